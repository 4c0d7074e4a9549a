//go:build unix

package spanloom_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
)

// TestReloadOfWhatOnlyOneCanHold: a backend that locks its file is replaced while runs go
// on, and each span has its line.
func TestReloadOfWhatOnlyOneCanHold(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "spanloom-backend-jsonl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "examples/backend-jsonl", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	path, lines := filepath.Join(dir, "spanloom.yaml"), filepath.Join(dir, "runs.jsonl")
	const entry = "  backends: [{ name: lines, command: [%q], start_timeout: 20s, config: { path: %q, max_bytes: %d, files: 99, sync: false } }]\n"
	writeManifestf(t, path, entry, binary, lines, 1<<20)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path), spanloom.WithReload(), spanloom.AllowUnlocked())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	one(t, tel)
	if err := tel.Flush(t.Context()); err != nil { // the file is the first one's
		t.Fatal(err)
	}
	stop := make(chan struct{})
	runs := 1
	all.Go(func() {
		for {
			if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
				t.Error(err)
			}
			runs++
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	const reloads = 3
	for i := range reloads {
		writeManifestf(t, path, entry, binary, lines, 1<<20+i+1)
		if got, err := tel.Reload(t.Context()); err != nil || len(got.Replaced) != 1 {
			t.Errorf("%+v: %v", got, err)
		}
	}
	close(stop)
	all.Wait()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if st := tel.Stats()[0]; st.Lost() > 0 || st.Emitted != st.Delivered {
		t.Error(st.Ledger())
	}
	ends := map[string]bool{}
	files, _ := filepath.Glob(lines + "*")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for text := range bytes.Lines(data) {
			var l struct {
				Event string `json:"event"`
				Span  string `json:"span_id"`
			}
			if err := json.Unmarshal(text, &l); err != nil && filepath.Ext(name) != ".lock" {
				t.Fatalf("%s: %v: %q", name, err, text)
			}
			if l.Span != "" {
				ends[fmt.Sprint(l.Event, l.Span)] = true
			}
		}
	}
	if len(ends) != 2*runs { // the pipeline's, and the node's
		t.Errorf("%d lines of %d runs", len(ends), runs)
	}
	t.Logf("%d runs, %d lines", runs, len(ends))
}
