package pluginhost

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// unrunnable says why the system did not run a file.
func unrunnable(path string, err error) *StartError {
	e := &StartError{Problem: NotExecutable, Err: err}
	kind := formatOf(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && kind.runner != "":
		e.Problem = NoInterpreter
		e.Detail = fmt.Sprintf("%s is run by %s, which does not exist", path, kind.runner)
		e.Fix = kind.fix
	case errors.Is(err, os.ErrNotExist):
		e.Problem = NotFound
		e.Detail, e.Fix = "there is no file "+path, "build it or correct the path"
	case errors.Is(err, os.ErrPermission):
		e.Detail, e.Fix = path+" may not be run", "look at its mode, and whether its file system is mounted noexec"
	case errors.Is(err, syscall.ENOEXEC) && kind.text:
		e.Problem = NotAProgram
		e.Detail = path + " is a text without a first line that says what runs it"
		e.Fix = "let it begin with #! and the path of its interpreter, such as #!/bin/sh"
	case isWrongFormat(err):
		e.Problem = WrongFormat
		here := runtime.GOOS + "/" + runtime.GOARCH
		e.Detail = fmt.Sprintf("%s is not a program for %s", path, here)
		if kind.system != "" {
			e.Detail += ", but for " + kind.system
		}
		e.Fix = fmt.Sprintf("build it with GOOS=%s GOARCH=%s", runtime.GOOS, runtime.GOARCH)
	default:
		e.Detail = fmt.Sprintf("%s cannot be run: %v", path, err)
	}
	return e
}

// isWrongFormat reports whether the system does not know the format of a file, or
// not its processor.
func isWrongFormat(err error) bool {
	return errors.Is(err, syscall.ENOEXEC) || strings.Contains(err.Error(), "bad CPU type")
}

// format is what a file's content says of how it is run.
type format struct {
	text   bool
	system string // that a binary is for
	runner string // the interpreter or loader that it names
	fix    string // when that is not there
}

// formatOf looks at a file; it knows nothing of one that cannot be read.
func formatOf(path string) format {
	f, err := os.Open(path)
	if err != nil {
		return format{}
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		runner, _, _ := strings.Cut(strings.TrimSpace(strings.TrimRight(string(line), "\r")), " ")
		fix := "install it or correct the first line"
		if bytes.HasSuffix(line, []byte("\r")) {
			fix = "end its lines with LF, not CR LF"
		}
		return format{text: true, runner: runner, fix: fix}
	}
	if b, err := elf.NewFile(f); err == nil {
		return format{
			system: unixName(b) + "/" + processor(b.Machine.String()),
			runner: loader(b), fix: "build it for this system, statically if you can (CGO_ENABLED=0)",
		}
	}
	if b, err := macho.NewFile(f); err == nil {
		return format{system: "darwin/" + processor(b.Cpu.String())}
	}
	if bytes.HasPrefix(head, []byte("MZ")) {
		if b, err := pe.NewFile(f); err == nil {
			return format{system: "windows/" + processor(fmt.Sprintf("%#x", b.Machine))}
		}
		return format{system: "windows"}
	}
	return format{text: len(head) > 0 && bytes.IndexByte(head, 0) < 0}
}

// processors are Go's names of what formats call otherwise.
var processors = map[string]string{
	"EM_X86_64": "amd64", "EM_386": "386", "EM_AARCH64": "arm64", "EM_ARM": "arm", "EM_RISCV": "riscv64", "EM_PPC64": "ppc64", "EM_S390": "s390x",
	"CpuAmd64": "amd64", "CpuArm64": "arm64",
	"0x8664": "amd64", "0x14c": "386", "0xaa64": "arm64",
}

func processor(name string) string {
	if of, ok := processors[name]; ok {
		return of
	}
	return strings.ToLower(name)
}

func unixName(b *elf.File) string {
	switch b.OSABI {
	case elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX:
		return "linux"
	default:
		return strings.ToLower(strings.TrimPrefix(b.OSABI.String(), "ELFOSABI_"))
	}
}

// loader returns what a binary names to load its libraries.
func loader(b *elf.File) string {
	for _, p := range b.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4<<10 {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err == nil {
			return string(bytes.TrimRight(name, "\x00"))
		}
	}
	return ""
}
