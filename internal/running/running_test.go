package running

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
)

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func root() *callbacks.CallbackContext {
	return callbacks.NewRun(nil, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}, Epoch: epoch}) //nolint:staticcheck // nobody asks it
}

func inside(cc *callbacks.CallbackContext, k callbacks.Kind, name string, start time.Duration) *callbacks.CallbackContext {
	child := &callbacks.CallbackContext{}
	cc.Begin(child, callbacks.Scope{Kind: k, Node: &callbacks.Node{Name: name}, Index: -1, Attempt: 1, Start: start})
	return child
}

// due returns the paths of what is due in the next rounds, the last of which has that
// number.
func due(t *Tracker, last int64) (list []string) {
	for t.round.Load() < last {
		for _, cc := range t.Due() {
			list = append(list, fmt.Sprint(t.round.Load(), " ", cc.Path()))
		}
	}
	return list
}

func TestWhatIsDue(t *testing.T) {
	t.Parallel()
	var tr Tracker
	p := root()
	inner := inside(p, callbacks.KindPipeline, "inner", 0)
	a := inside(inner, callbacks.KindNode, "a", time.Second)
	b := inside(p, callbacks.KindNode, "b", 10*time.Second)
	tr.Begin(a) // whose run has not begun
	for _, cc := range []*callbacks.CallbackContext{p, inner, a} {
		tr.Begin(cc)
	}
	if diff := cmp.Diff([]string(nil), due(&tr, First-1)); diff != "" {
		t.Error(diff)
	}
	tr.Begin(b)
	want := []string{"6 p", "6 p/inner/a", "11 p/b", "24 p", "24 p/inner/a", "29 p/b", "96 p", "96 p/inner/a"}
	if diff := cmp.Diff(want, due(&tr, 100)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	tr.End(a)
	if diff := cmp.Diff([]string{"101 p/inner", "101 p/b", "384 p", "384 p/inner", "389 p/b"}, due(&tr, 400)); diff != "" {
		t.Errorf("an inner one has ended (-want +got)\n%s", diff)
	}
	tr.End(p)
	tr.End(b)
	if list := due(&tr, 10_000); list != nil || len(tr.runs) > 0 {
		t.Error("after its end:", list)
	}
}

// A run whose ends are lost does not stay for ever, and a long one is due now and then.
func TestBounds(t *testing.T) {
	t.Parallel()
	var tr Tracker
	for range maxRuns + 10 {
		tr.Begin(root())
	}
	if len(tr.runs) != maxRuns {
		t.Error(len(tr.runs))
	}
	tr = Tracker{}
	p := root()
	tr.Begin(p)
	for i := range maxOpen + 10 {
		tr.Begin(inside(p, callbacks.KindNode, strconv.Itoa(i), time.Duration(i)))
	}
	for _, r := range tr.runs {
		if len(r.open) > maxOpen {
			t.Error(len(r.open))
		}
	}
	if n := len(due(&tr, First)); n != 1+Most {
		t.Error(n)
	}
	if n := len(due(&tr, 5*First)); n != 1 {
		t.Error(n)
	}
}

func BenchmarkBeginEnd(b *testing.B) {
	var tr Tracker
	p := root()
	tr.Begin(p)
	n := inside(p, callbacks.KindNode, "n", 0)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			tr.Begin(n)
			tr.End(n)
		}
	})
}
