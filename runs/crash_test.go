package runs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/private"
)

// scopes are a run in which everything has begun that can.
func scopes(id string) (root, node, item, done, failing Scope) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 5, time.UTC)
	step := Step{Name: "a", Type: "func", Signature: "func(int) int", Function: "main.a", File: "main.go", Line: 3}
	root = Scope{
		Kind: "pipeline", Path: "p", SpanID: id + "1", ParentSpanID: "f", Started: at, Runner: "local", Step: Step{Name: "p", Type: "pipeline"},
		Index: -1, TraceID: "t", Flags: 1, TraceState: "a=b",
	}
	node = Scope{Kind: "node", Path: "p/a", SpanID: id + "2", ParentSpanID: id + "1", Index: -1, Iteration: 2, Started: at, Step: step}
	item = Scope{Kind: "map_item", Path: "p/\xff[7]", SpanID: id + "3", ParentSpanID: id + "2", Index: 7, Depth: 1, Started: at, Step: step}
	done, failing = node, node
	done.SpanID, failing.SpanID = id+"4", id+"5"
	return root, node, item, done, failing
}

// crash begins a run and leaves it as a process that is killed does.
func crash(t *testing.T, d *Dir, id string) []Scope {
	t.Helper()
	l := begin(t, d, id)
	root, node, item, done, failing := scopes(id)
	for _, s := range []Scope{root, done, failing, item, node} {
		if err := l.Begin(s); err != nil {
			t.Fatal(err)
		}
	}
	add(t, l,
		Record{Kind: "node", Path: "p/a", Status: "success", SpanID: done.SpanID},
		Record{Kind: "node", Path: "p/a", Status: "failure"}) // and is tried again
	if err := l.Done(failing.SpanID); err != nil {
		t.Fatal(err)
	}
	end(t, l, "")
	return []Scope{root, item, node}
}

func TestWhatACrashLeavesOpen(t *testing.T) {
	d := open(t, t.TempDir())
	left := crash(t, d, "x")
	alive := time.Now().Add(-time.Hour)
	if err := d.root.Chtimes(fileName("x"), alive, alive); err != nil {
		t.Fatal(err)
	}
	end(t, begin(t, d, "x"), "") // one that is killed before it tells
	l := begin(t, d, "x")
	list := l.Crashes(t.Context())
	if len(list) != 1 || list[0].ID != "x" || !list[0].Alive.Equal(alive) {
		t.Fatal(list)
	}
	if diff := cmp.Diff(left, list[0].Open); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if list := l.Crashes(t.Context()); len(list) > 0 {
		t.Error("told twice:", list)
	}
	again, _, _, _, _ := scopes("y")
	if err := errors.Join(l.Begin(again), l.Done(again.SpanID)); err != nil {
		t.Fatal(err)
	}
	end(t, l, "")
	l = begin(t, d, "x") // the start between has told, and was killed at once
	if again := l.Crashes(t.Context()); !cmp.Equal(list, again) {
		t.Error(cmp.Diff(list, again))
	}
	end(t, l, "success")
	if list := begin(t, d, "x").Crashes(t.Context()); len(list) > 0 {
		t.Error(list)
	}
}

// Another run of the store finds those whose process has died: once, and no other.
func TestCrashesOfOtherRuns(t *testing.T) {
	if !private.CanLock {
		t.Skip("no locks here")
	}
	path := t.TempDir()
	before := open(t, path)
	left := crash(t, before, "dead")
	crash(t, before, "dead, and started again")
	again := begin(t, before, "dead, and started again")
	defer again.Close("", "")
	ended := begin(t, before, "ended")
	root, _, _, _, _ := scopes("ended")
	if err := ended.Begin(root); err != nil {
		t.Fatal(err)
	}
	end(t, ended, "failure")
	crash(t, before, "damaged")
	if err := os.WriteFile(filepath.Join(path, fileName("damaged")), []byte("00000000 damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := os.OpenFile(filepath.Join(path, fileName("dead")), os.O_APPEND|os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString("0000") // torn
		_ = f.Close()
	}

	l := begin(t, before, "new")
	list := l.Crashes(t.Context())
	if len(list) != 1 || list[0].ID != "dead" {
		t.Fatal(list)
	}
	if diff := cmp.Diff(left, list[0].Open); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, d := range []*Dir{before, open(t, path)} {
		d.swept = time.Time{}
		if list := l.Crashes(t.Context()); len(list) > 0 {
			t.Error("told twice:", list)
		}
	}
	if s, err := before.Stat("dead"); err != nil || s.Result != "" || s.Starts != 1 || s.Cut != 4 || s.Records != 2 {
		t.Error(s, err)
	}
	// It goes on as before, and who told of it need not again.
	resumed := begin(t, before, "dead")
	if _, starts := resumed.First(); starts != 1 {
		t.Error(starts)
	}
	if list := resumed.Crashes(t.Context()); len(list) > 0 {
		t.Error(list)
	}
}

// A directory is not looked through at each start.
func TestCrashesAreNotSoughtAllTheTime(t *testing.T) {
	if !private.CanLock {
		t.Skip("no locks here")
	}
	d := open(t, t.TempDir())
	l := begin(t, d, "x")
	l.Crashes(t.Context())
	crash(t, d, "y")
	if list := l.Crashes(t.Context()); len(list) > 0 {
		t.Error(list)
	}
	d.swept = d.swept.Add(-sweepAgain)
	if list := l.Crashes(t.Context()); len(list) != 1 {
		t.Error(list)
	}
}

// A run that writes nothing gives signs of life.
func TestLife(t *testing.T) {
	path := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		l := begin(t, d, "x")
		time.Sleep(3*beat + beat/2)
		synctest.Wait()
		info, err := d.root.Stat(fileName("x"))
		if err != nil || time.Since(info.ModTime()) != beat/2 {
			t.Error(info.ModTime(), err)
		}
		end(t, l, "success")
	})
}
