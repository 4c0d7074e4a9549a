//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/hooktest"
)

var update = flag.Bool("update", false, "write the golden files")

// badStart is a way in which a backend does not start.
type badStart struct {
	name    string
	path    string
	bad     string // what the test binary does at path
	problem Problem
}

// badStarts returns all ways, with files in dir.
func badStarts(t *testing.T, dir string) []badStart {
	t.Helper()
	write := func(name, text string, mode os.FileMode) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f, mode); err != nil {
			t.Fatal(err)
		}
		return f
	}
	script := func(name, text string) string { return write(name, "#!/bin/sh\n"+text+"\n", 0o700) }
	if err := os.Mkdir(filepath.Join(dir, "open"), 0o700); err != nil {
		t.Fatal(err)
	}
	inOpen := write("open/backend", "#!/bin/sh\n", 0o700)
	if err := os.Chmod(filepath.Dir(inOpen), 0o777); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "backend")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, exe); err != nil {
		t.Fatal(err)
	}
	list := []badStart{
		{"missing file", dir + "/none", "", NotFound},
		{"relative path", "bin/x", "", BadPath},
		{"directory", dir, "", NotExecutable},
		{"not executable", write("plain", "#!/bin/sh\n", 0o600), "", NotExecutable},
		{"writable by all", write("loose", "#!/bin/sh\n", 0o777), "", Unsafe},
		{"in a directory writable by all", inOpen, "", Unsafe},
		{"script without #!", write("text", "echo hello\n", 0o700), "", NotAProgram},
		{"script without its interpreter", write("noint", "#!/no/such -x\n", 0o700), "", NoInterpreter},
		{"script with CR LF", write("crlf", "#!/bin/sh\r\necho\r\n", 0o700), "", NoInterpreter},
		{"binary of another format", write("exe", "MZ\x90\x00"+strings.Repeat("\x00", 300), 0o700), "", WrongFormat},
		{"exits at start", exe, "mistake", ExitedEarly},
		{"exits and says nothing", script("true", "exit 0"), "", ExitedEarly},
		{"killed at start", script("kill", "kill -9 $$"), "", ExitedEarly},
		{"panics in main", exe, "panic", Panicked},
		{"wrong magic", exe, "other plugin", OtherPlugin},
		{"garbage line", script("hello", "echo 'usage: \033[1mhello\033[0m'; sleep 5"), "", NotABackend},
		{"secret in the garbage", script("secret", "echo \"token='$TOKEN'\"; sleep 5"), "", NotABackend},
		{"prints before the handshake", exe, "garbage", PrintsFirst},
		{"200 KB line", exe, "garbage-long", LongLine},
		{"wrong version", exe, "version", WrongVersion},
		{"wrong version of the handshake", script("core", "echo '9|1|unix|/nowhere|grpc|'; sleep 5"), "", WrongVersion},
		{"wrong protocol", script("netrpc", "echo '1|1|unix|/nowhere|netrpc|'; sleep 5"), "", NotABackend},
		{"address of somebody else", script("port", "echo '1|1|tcp|127.0.0.1:1|grpc|'; sleep 5"), "", ForeignAddress},
		{"address of nobody", script("nobody", "echo '1|1|unix|/nowhere/sock|grpc|'; sleep 5"), "", Unreachable},
		{"mute", exe, "mute", Mute},
		{"hangs before the handshake", exe, "hang", StartTimeout},
	}
	if runtime.GOOS == "linux" {
		list = append(list,
			badStart{"binary for another processor", write("foreign", foreignBinary(), 0o700), "", WrongFormat},
			badStart{"binary without its loader", write("noloader", binaryWithoutLoader(t), 0o700), "", NoInterpreter})
	}
	return list
}

// foreignBinary is the head of a program for a processor that nobody has here.
func foreignBinary() string {
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	for _, v := range []any{
		uint16(2), uint16(22), uint32(1), uint64(0x10000), uint64(64), uint64(0), // ET_EXEC, EM_S390
		uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(0), uint16(0),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	return b.String()
}

// binaryWithoutLoader is a program of this system with another name of its loader.
func binaryWithoutLoader(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/bin/sh", "/bin/true", "/usr/bin/env"} {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if name := formatOf(path).runner; name != "" && bytes.HasPrefix(data, []byte("\x7fELF")) {
			other := "/lost" + strings.Repeat("x", len(name)-len("/lost"))
			return strings.Replace(string(data), name+"\x00", other+"\x00", 1)
		}
	}
	t.Fatal("no program here is linked to libraries")
	return ""
}

// TestErrorsOfAStartTeach: each says which backend, where it stands in the manifest,
// what was seen and what to do.
func TestErrorsOfAStartTeach(t *testing.T) {
	dir := t.TempDir()
	tests := badStarts(t, dir)
	const token = "s3cret'\"token" + canary
	texts := make([]string, len(tests))
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, tt := range tests {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			limit := 20 * time.Second
			if tt.problem == Mute || tt.problem == StartTimeout {
				limit = 2 * time.Second
			}
			s := Spec{
				Name: "main", Place: "spanloom.yaml:6:7: telemetry.backends[0]",
				Launch: Command(tt.path), StartTimeout: limit,
				Env:    []string{"TOKEN=" + token, badVariable + "=" + tt.bad},
				Redact: func(s string) string { return strings.ReplaceAll(s, token, "${env:TOKEN}") },
			}
			h := Start(s)
			n := hooktest.Random(h, 1)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			err := h.Ready(ctx)
			var se *StartError
			if !errors.As(err, &se) || se.Problem != tt.problem {
				t.Errorf("%s: %v, want problem %q", tt.name, err, tt.problem)
				return
			}
			if se.Fix == "" {
				t.Errorf("%s: no word of what to do: %v", tt.name, err)
			}
			harmlessError(t, tt.name, err)
			if got := h.Stats().Dropped[BackendDown]; got != uint64(n) {
				t.Errorf("%s: %d of %d dropped", tt.name, got, n)
			}
			shutdown(t, h, time.Second)
			lost(t, h, "")
			texts[i] = fmt.Sprintf("%s: %s\n\t%s\n", tt.name, se.Problem, withoutPlaces(err.Error(), dir))
		})
	}
	all.Wait()
	golden(t, "testdata/start_errors.golden", strings.Join(texts, "\n"))
	t.Run("each problem", func(t *testing.T) {
		checked := []Problem{NoDirectory, NotLocked, Changed} // the last two are said by who gives a Check
		for _, p := range Problems() {
			if !slices.Contains(checked, p) && !slices.ContainsFunc(tests, func(tt badStart) bool { return tt.problem == p }) {
				t.Errorf("no backend has the problem %q", p)
			}
		}
	})
}

// withoutPlaces takes out of a text what differs from system to system.
func withoutPlaces(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DIR")
	if _, file, _, ok := runtime.Caller(0); ok {
		text = strings.ReplaceAll(text, filepath.Dir(file), "SRC")
	}
	text = strings.ReplaceAll(text, runtime.GOOS+"/"+runtime.GOARCH, "GOOS/GOARCH")
	text = strings.ReplaceAll(text, "GOOS="+runtime.GOOS+" GOARCH="+runtime.GOARCH, "GOOS=GOOS GOARCH=GOARCH")
	before, after, ok := strings.Cut(text, "(at SRC/main_test.go:")
	if ok {
		_, after, _ = strings.Cut(after, ")")
		text = before + "(at SRC/main_test.go:LINE)" + after
	}
	if before, after, ok = strings.Cut(text, "is run by /lost"); ok {
		text = before + "is run by /lost" + strings.TrimLeft(after, "x")
	}
	return text
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" { // words of the system differ
		return
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// Of a backend that has started, too, it is said whose error it is and where.
func TestErrorsOfAnEndTeach(t *testing.T) {
	const place = "spanloom.yaml:6:7: telemetry.backends[0]"
	for name, tt := range map[string]struct {
		signal syscall.Signal
		want   string
	}{
		"killed":  {syscall.SIGKILL, "process exited (signal: killed)"},
		"stopped": {syscall.SIGSTOP, "no sign of life"},
	} {
		await(t, 5*time.Second, "no process of another test", func() bool { _, ok := child(t); return !ok })
		s := spec(t, testConfig{})
		s.Place = place
		s.ackTimeout, s.healthTimeout, s.restartDelay = 200*time.Millisecond, 200*time.Millisecond, time.Minute
		h := start(t, s)
		p := pid(t, h)
		if err := syscall.Kill(p, tt.signal); err != nil {
			t.Fatal(err)
		}
		hooktest.Random(h, 1)
		await(t, 5*time.Second, "the end seen", func() bool { return h.Stats().State == Restarting })
		err := h.Stats().Err
		if err == nil || !strings.HasPrefix(err.Error(), place+`: backend "console": `) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		shutdown(t, h, time.Second)
	}
}
