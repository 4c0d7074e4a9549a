package runs

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Junk in a directory, however large, does not keep a run from its start: to read
// one of these files as a whole takes minutes.
func TestJunkIsNotReadByOthers(t *testing.T) {
	if !private.CanLock {
		t.Skip("no locks here")
	}
	path := t.TempDir()
	d := open(t, path)
	file := func(id string) *os.File {
		f, err := os.OpenFile(filepath.Join(path, fileName(id)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const huge = 256 << 30
	for id, crashed := range map[string]bool{"zeros": false, "a run, then zeros": true} {
		if crashed {
			crash(t, d, id)
		}
		f := file(id)
		if err := f.Truncate(huge); err != nil {
			if runtime.GOOS == "linux" {
				t.Fatal(err)
			}
			t.Skip("no files with holes here: ", err)
		}
		_ = f.Close()
	}
	crash(t, d, "a run, then lines that seem long")
	f := file("a run, then lines that seem long")
	if _, err := f.Write(bytes.Repeat([]byte("00000000 00ffffff \n"), 1<<18)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	crash(t, d, "dead")
	l := begin(t, d, "new")
	list := l.Crashes(t.Context())
	if len(list) != 1 || list[0].ID != "dead" {
		t.Error(spans(list))
	}
	if _, err := d.Open(t.Context(), Header{ID: "zeros"}, nil); err == nil || !strings.Contains(err.Error(), "first line is damaged") {
		t.Error(err)
	}
}

// A long file is read by parts, and short ones do not wait for it.
func TestLongFilesOfOthersAreReadByParts(t *testing.T) {
	if !private.CanLock {
		t.Skip("no locks here")
	}
	d := open(t, t.TempDir())
	l := begin(t, d, "long")
	root, node, _, _, _ := scopes("long")
	value := raw(`"` + strings.Repeat("0", MaxRecord-1000) + `"`)
	if err := l.Begin(root); err != nil {
		t.Fatal(err)
	}
	for range 5 * sweepMost / 2 / MaxRecord { // two parts and a half
		add(t, l, Record{Kind: "node", Path: "p", Status: "success", Outputs: value})
	}
	if err := l.Begin(node); err != nil {
		t.Fatal(err)
	}
	end(t, l, "")
	crash(t, d, "short")
	l = begin(t, d, "new")
	for sweep, want := range []int{3, 0, 2, 0} {
		d.swept = time.Time{}
		if list := spans(l.Crashes(t.Context())); len(list) != want {
			t.Errorf("sweep %d: %v", sweep+1, list)
		}
	}
	if len(d.reading) > 0 {
		t.Error("something is kept of what was told")
	}
}

// A file in which somebody writes between two parts is read anew.
func TestALongFileThatGoesOnBetweenParts(t *testing.T) {
	if !private.CanLock {
		t.Skip("no locks here")
	}
	d := open(t, t.TempDir())
	l := begin(t, d, "long")
	root, _, _, _, _ := scopes("long")
	if err := l.Begin(root); err != nil {
		t.Fatal(err)
	}
	value := raw(`"` + strings.Repeat("0", MaxRecord-1000) + `"`)
	for range sweepMost/MaxRecord + 1 {
		add(t, l, Record{Kind: "node", Path: "p", Status: "success", Outputs: value})
	}
	end(t, l, "")
	l = begin(t, d, "new")
	if list := l.Crashes(t.Context()); len(list) > 0 {
		t.Error(spans(list))
	}
	again := begin(t, d, "long")
	if n := len(spans(again.Crashes(t.Context()))); n != 1 {
		t.Errorf("%d scopes", n)
	}
	d.swept = time.Time{}
	if list := l.Crashes(t.Context()); len(list) > 0 {
		t.Error(spans(list))
	}
	end(t, again, "success")
	d.swept = time.Time{}
	if list := l.Crashes(t.Context()); len(list) > 0 {
		t.Error(spans(list))
	}
}
