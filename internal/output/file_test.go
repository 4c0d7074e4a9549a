//go:build unix

package output_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom/internal/output"
)

// TestFile: what is written arrives, whatever its size, also in a pipe that does not
// block.
func TestFile(t *testing.T) {
	for _, blocks := range []bool{true, false} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if blocks {
			w.Fd() // makes it so
		}
		text := strings.Repeat("0123456789abcdef", 64<<10)
		read := make(chan string)
		go func() {
			data := make([]byte, len(text))
			for n := 0; n < len(data); {
				m, err := r.Read(data[n:])
				if n += m; err != nil {
					break
				}
			}
			read <- string(data)
		}()
		if n, err := output.File(w).Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%d of %d bytes written, %v", n, len(text), err)
		}
		if <-read != text {
			t.Error("it arrived otherwise")
		}
		_, _ = r.Close(), w.Close()
		if _, err := output.File(w).Write([]byte("x")); err == nil {
			t.Error("a file that is closed can be written to")
		}
	}
}

// TestFileWithoutReader writes, in a process of its own, to a standard error that has
// no reader.
func TestFileWithoutReader(t *testing.T) {
	const marker = "SPANLOOM_TEST_WITHOUT_READER"
	if os.Getenv(marker) != "" {
		_, err := output.File(os.Stderr).Write([]byte("a line\n"))
		fmt.Println("then:", errors.Is(err, syscall.EPIPE))
		syscall.Exit(0)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer func() { _ = w.Close() }()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileWithoutReader$")
	cmd.Env, cmd.Stderr = append(os.Environ(), marker+"=1"), w
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "then: true") {
		t.Errorf("%q, %v", out, err)
	}
}
