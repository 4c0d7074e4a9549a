package output_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/internal/output"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEverythingIsWrittenInOrder(t *testing.T) {
	var got, want bytes.Buffer
	w := output.New(&got)
	if output.New(w) != w {
		t.Error("a writer to a writer")
	}
	for i := range 1000 {
		fmt.Fprintln(w, i)
		fmt.Fprintln(&want, i)
		if i%100 == 0 {
			w.Drain(t.Context())
			if got.String() != want.String() {
				t.Fatal("not all is written after Drain")
			}
		}
	}
	w.Drain(t.Context())
	if got.String() != want.String() {
		t.Error("some is missing")
	}
}

func TestNobodyReads(t *testing.T) {
	r, pipe := io.Pipe()
	w := output.New(pipe)
	const piece = 1 << 20
	began := time.Now()
	for range 20 {
		_, _ = w.Write(bytes.Repeat([]byte("x"), piece))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	w.Drain(ctx)
	if d := time.Since(began); d > time.Second {
		t.Errorf("took %s", d)
	}
	read := make(chan string)
	go func() {
		data, _ := io.ReadAll(r)
		read <- string(data)
	}()
	w.Drain(t.Context())
	_, _ = io.WriteString(w, "afterwards")
	w.Drain(t.Context())
	_ = pipe.Close()
	text := <-read
	want := fmt.Sprintf("x\n... %d bytes of output dropped: nobody read them\nafterwards", 20*piece-output.Limit)
	if len(text) < output.Limit || strings.TrimLeft(text, "x") != want[1:] {
		t.Errorf("%d bytes, the end of them %q, want %q", len(text), text[max(len(text)-100, 0):], want)
	}
}

// TestSettle: whoever settles finds the line written, though others go on writing,
// and waits once where nobody reads.
func TestSettle(t *testing.T) {
	var got bytes.Buffer
	w := output.New(&got)
	_, _ = io.WriteString(w, "a line")
	w.Settle()
	if got.String() != "a line" {
		t.Errorf("%q", got.String())
	}
	w.SettleAll()
	_, _ = io.WriteString(w, ", and another")
	if got.String() != "a line, and another" {
		t.Errorf("%q", got.String())
	}

	r, pipe := io.Pipe()
	w = output.New(pipe)
	w.SettleAll()
	began := time.Now()
	for range 1000 {
		_, _ = io.WriteString(w, "x")
	}
	if d := time.Since(began); d < output.Grace || d > 5*output.Grace {
		t.Errorf("took %s, want one %s", d, output.Grace)
	}
	read := make(chan int)
	go func() {
		data, _ := io.ReadAll(r)
		read <- len(data)
	}()
	w.Drain(t.Context())
	_ = pipe.Close()
	if n := <-read; n != 1000 {
		t.Errorf("%d bytes", n)
	}
}
