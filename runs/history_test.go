package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	safe := regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,39}-[0-9a-f]{32}\.run$`)
	ids := []string{
		"", "../../x", "x", "X", "..", ".", "/etc/passwd", "a/b", "a\\b", "a-b", "a b", "a\x00b", "-rf", "CON", "ü", "u\u0308", "\u65e5\u672c",
		"\xff", "\xfe", "\uFFFD", strings.Repeat("long", 1000), strings.Repeat("long", 1001), "a\nb", " ", "x.run", fileName("x"),
	}
	names := map[string]string{}
	for _, id := range ids {
		name := fileName(id)
		if !safe.MatchString(name) {
			t.Errorf("%q is kept in %q", id, name)
		}
		if other, ok := names[strings.ToLower(name)]; ok {
			t.Errorf("%q and %q are kept in %q", id, other, name)
		}
		names[strings.ToLower(name)] = id
		end(t, begin(t, d, id), "success")
	}
	for _, id := range ids {
		l := begin(t, d, id)
		if h, starts := l.First(); h.ID != id || starts != 1 {
			t.Errorf("%q has become %q, start %d", id, h.ID, starts)
		}
		end(t, l, "success")
	}
	if list, err := d.List(t.Context()); err != nil || len(list) != len(ids) {
		t.Errorf("%d runs, want %d (%v)", len(list), len(ids), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(ids) {
		t.Errorf("%d files, want %d (%v)", len(entries), len(ids), err)
	}
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	start := func(id string, hour int) Log {
		l, err := d.Open(t.Context(), Header{ID: id, Pipeline: "p", Started: at.Add(time.Duration(hour) * time.Hour)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close("", "") })
		return l
	}
	end(t, start("old", 0), "success")
	end(t, start("killed", 1), "")
	failed := start("failed", 2)
	add(t, failed, numbered(1), numbered(2))
	if err := failed.Close("failure", "no disk"); err != nil {
		t.Fatal(err)
	}
	end(t, start("new", 4), "success")
	again := start("again", 3)
	end(t, again, "success")
	again = start("again", 9)
	if err := os.WriteFile(filepath.Join(dir, "empty"+suffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	ids := func() (list []string) {
		t.Helper()
		all, err := d.List(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, s := range all {
			list = append(list, s.ID)
		}
		return list
	}
	if diff := cmp.Diff([]string{"new", "again", "failed", "killed", "old"}, ids()); diff != "" {
		t.Error(diff)
	}
	s, err := d.Stat("failed")
	if err != nil || time.Since(s.Ended) > time.Hour || s.Size == 0 || s.pid != os.Getpid() {
		t.Errorf("%+v %v", s, err)
	}
	s.Ended, s.Size, s.pid = time.Time{}, 0, 0
	want := Summary{Header: Header{ID: "failed", Pipeline: "p", Started: at.Add(2 * time.Hour)}, Starts: 1, Records: 2, Result: "failure", Message: "no disk"}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(Summary{})); diff != "" {
		t.Error(diff)
	}
	if s, err := d.Stat("again"); err != nil || !s.Open || s.Starts != 2 || s.Result != "" {
		t.Errorf("%+v %v", s, err)
	}

	bad := filepath.Join(dir, "bad"+suffix)
	if err := os.WriteFile(bad, []byte("no run\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := d.List(t.Context()); len(list) != 5 || err == nil || !strings.Contains(err.Error(), bad) {
		t.Error(list, err)
	}
	if n, err := d.Prune(t.Context(), 1); n != 2 || err == nil || !strings.Contains(err.Error(), bad) {
		t.Error(n, err)
	}
	_ = os.Remove(bad)
	if diff := cmp.Diff([]string{"new", "again", "killed"}, ids()); diff != "" {
		t.Error(diff)
	}
	end(t, again, "success")
	if n, err := d.Prune(t.Context(), 0); n != 2 || err != nil {
		t.Error(n, err)
	}
	if diff := cmp.Diff([]string{"killed"}, ids()); diff != "" {
		t.Error(diff)
	}
	if err := d.Remove(t.Context(), "killed"); err != nil {
		t.Error(err)
	}
	_, statErr := d.Stat("killed")
	for _, err := range []error{statErr, d.Remove(t.Context(), "killed")} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), `run "killed": `) {
			t.Error(err)
		}
	}
	for r, err := range d.Read("killed") {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(r, err)
		}
	}
	end(t, begin(t, d, "x"), "")
}

func TestReadStops(t *testing.T) {
	d := open(t, t.TempDir())
	l := begin(t, d, "x")
	add(t, l, numbered(0), numbered(1))
	n := 0
	for r, err := range d.Read("x") {
		if err != nil || r.Path != "p/0" {
			t.Error(r, err)
		}
		add(t, l, numbered(2)) // which does not lengthen what is read
		n++
		break
	}
	if n != 1 {
		t.Error(n)
	}
}
