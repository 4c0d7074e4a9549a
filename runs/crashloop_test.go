package runs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/private"
)

// loop has a start begin one scope, and leaves it as a process that is killed does.
// Whether somebody asked for crashes, and how long it lived, are the caller's.
func loop(t *testing.T, d *Dir, span string, asks bool, lives time.Duration) (told []string) {
	t.Helper()
	l := begin(t, d, "x")
	if asks {
		told = spans(l.Crashes(t.Context()))
	}
	root, _, _, _, _ := scopes("x")
	root.SpanID = span
	if span != "" {
		if err := l.Begin(root); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(lives)
	end(t, l, "")
	return told
}

func spans(list []Crash) (all []string) {
	for _, c := range list {
		for _, s := range c.Open {
			all = append(all, c.ID+" "+s.SpanID)
		}
	}
	return all
}

// What a start has told of is told again by the next, unless it lived long enough
// for what it told to leave the process.
func TestCrashLoop(t *testing.T) {
	path := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for i, start := range []struct {
			span  string
			asks  bool
			lives time.Duration
			want  []string
		}{
			{"1", true, time.Second, nil},
			{"2", true, time.Second, []string{"x 1"}},
			{"3", true, 0, []string{"x 1", "x 2"}},
			{"", true, time.Second, []string{"x 1", "x 2", "x 3"}},
			{"4", false, time.Minute, nil}, // nobody hears of it
			{"5", true, 3 * beat, []string{"x 1", "x 2", "x 3", "x 4"}},
			{"6", true, 0, []string{"x 5"}},
			{"7", true, 0, []string{"x 5", "x 6"}},
		} {
			if diff := cmp.Diff(start.want, loop(t, d, start.span, start.asks, start.lives)); diff != "" {
				t.Errorf("start %d: (-want +got)\n%s", i+1, diff)
			}
		}
		for i := range 100 {
			if n := len(loop(t, d, "8", true, 0)); n > mostEarlier+1 {
				t.Errorf("start %d tells of %d others", i+9, n)
			}
		}
	})
}

// Each start that is told of again died at its own time.
func TestCrashLoopTimes(t *testing.T) {
	d := open(t, t.TempDir())
	var want []time.Time
	for i := range 3 {
		loop(t, d, string(rune('1'+i)), true, 0)
		at := time.Now().Add(time.Duration(i-9) * time.Hour)
		if err := d.root.Chtimes(fileName("x"), at, at); err != nil {
			t.Fatal(err)
		}
		want = append(want, at)
	}
	list := begin(t, d, "x").Crashes(t.Context())
	if len(list) != len(want) {
		t.Fatal(spans(list))
	}
	for i, c := range list {
		if !c.Alive.Equal(want[i]) || c.ID != "x" {
			t.Error(i, c.Alive, want[i])
		}
	}
}

// The end of a start of which nobody asked for crashes leaves them to others: to
// later starts, and to other runs.
func TestAnEndWithoutTelling(t *testing.T) {
	for _, other := range []bool{false, true} {
		d := open(t, t.TempDir())
		loop(t, d, "1", true, 0)
		for range 2 {
			end(t, begin(t, d, "x"), "success")
		}
		if s, err := d.Stat("x"); err != nil || s.Result != "success" {
			t.Error(s, err)
		}
		id := "x"
		if other {
			id = "y"
			if !private.CanLock {
				continue
			}
		}
		d.swept = time.Time{}
		l := begin(t, d, id)
		if diff := cmp.Diff([]string{"x 1"}, spans(l.Crashes(t.Context()))); diff != "" {
			t.Errorf("told by %s: (-want +got)\n%s", id, diff)
		}
		end(t, l, "success")
		d.swept = time.Time{}
		for _, id := range []string{"z", "x"} {
			if told := spans(begin(t, d, id).Crashes(t.Context())); told != nil {
				t.Errorf("told by %s once more: %v", id, told)
			}
		}
	}
}
