package callbacks_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/spanloom/spanloom/callbacks"
)

// scopes makes a run with a scope of each kind: a map item with a pipeline in
// it, and a node in that.
func scopes(c callbacks.RunConfig) (root, mapping, item, inner, leaf *callbacks.CallbackContext) {
	c.Pipeline = &callbacks.Node{Name: "daily"}
	root = callbacks.NewRun(context.Background(), c)
	features := &callbacks.Node{Name: "features"}
	mapping = begin(root, callbacks.KindMap, features, -1)
	item = begin(mapping, callbacks.KindMapItem, features, 7)
	inner = begin(item, callbacks.KindPipeline, features, -1)
	leaf = begin(inner, callbacks.KindNode, &callbacks.Node{Name: "embed"}, -1)
	return root, mapping, item, inner, leaf
}

func begin(parent *callbacks.CallbackContext, k callbacks.Kind, n *callbacks.Node, index int32) *callbacks.CallbackContext {
	cc := &callbacks.CallbackContext{}
	parent.Begin(cc, callbacks.Scope{Kind: k, Node: n, Index: index, Attempt: 1})
	return cc
}

func TestPlaceInARun(t *testing.T) {
	t.Parallel()
	root, mapping, item, inner, leaf := scopes(callbacks.RunConfig{})
	for _, tt := range []struct {
		cc    *callbacks.CallbackContext
		path  string
		span  string
		depth int
		index int
	}{
		{root, "daily", "pipeline daily", 0, -1},
		{mapping, "daily/features", "map features", 0, -1},
		{item, "daily/features[7]", "map_item features", 0, 7},
		{inner, "daily/features[7]", "pipeline features", 1, -1},
		{leaf, "daily/features[7]/embed", "node embed", 1, -1},
	} {
		if tt.cc.Path() != tt.path || tt.cc.SpanName() != tt.span || tt.cc.Depth() != tt.depth || tt.cc.Index() != tt.index {
			t.Errorf("%s: %q depth %d index %d; want %+v", tt.cc.Path(), tt.cc.SpanName(), tt.cc.Depth(), tt.cc.Index(), tt)
		}
	}
	if leaf.Root() != root || leaf.Pipeline() != inner || leaf.Parent() != inner || root.Parent() != nil {
		t.Error("wrong ancestors")
	}
	if leaf.RunID() != root.RunID() || len(root.RunID()) != 32 || leaf.TraceID() != root.TraceID() {
		t.Error("a scope has the ids of its run")
	}
}

func TestLoopIterationsHaveTheirOwnPaths(t *testing.T) {
	t.Parallel()
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	poll := begin(root, callbacks.KindNode, &callbacks.Node{Name: "poll"}, -1)
	for kind, want := range map[callbacks.Kind][2]string{
		callbacks.KindPipeline: {"p/poll#3", "p/poll#3/x"},
		callbacks.KindNode:     {"p/poll#3/body", "p/poll#3/body/x"},
	} {
		round := &callbacks.CallbackContext{}
		poll.Begin(round, callbacks.Scope{Kind: kind, Node: &callbacks.Node{Name: "body"}, Index: -1, Iteration: 3, Attempt: 1})
		inside := begin(round, callbacks.KindNode, &callbacks.Node{Name: "x"}, -1)
		if round.Path() != want[0] || inside.Path() != want[1] {
			t.Error(round.Path(), inside.Path(), want)
		}
	}
}

// TestSpanIDsAreDerived has the same run twice: the root id decides all others.
func TestSpanIDsAreDerived(t *testing.T) {
	t.Parallel()
	id := callbacks.NewIdentity()
	c := callbacks.RunConfig{Identity: id, SpanID: callbacks.SpanID{1, 2, 3}}
	seen := map[callbacks.SpanID]bool{}
	_, _, itemA, _, leafA := scopes(c)
	_, _, itemB, _, leafB := scopes(c)
	if leafA.SpanID() != leafB.SpanID() || itemA.SpanID() != itemB.SpanID() {
		t.Error("the same place of the same run has two ids")
	}
	for cc := leafA; cc != nil; cc = cc.Parent() {
		if seen[cc.SpanID()] || !cc.SpanID().IsValid() {
			t.Errorf("%s: id %s is used twice or invalid", cc.Path(), cc.SpanID())
		}
		seen[cc.SpanID()] = true
		if p := cc.Parent(); p != nil && cc.ParentSpanID() != p.SpanID() {
			t.Errorf("%s: parent id %s, want %s", cc.Path(), cc.ParentSpanID(), p.SpanID())
		}
	}
	// What tells two scopes under one parent apart must change the id.
	root := leafA.Root()
	n := &callbacks.Node{Name: "n"}
	for _, s := range []callbacks.Scope{
		{Kind: callbacks.KindNode, Node: n, Index: -1, Attempt: 1},
		{Kind: callbacks.KindNode, Node: n, Index: -1, Attempt: 2},
		{Kind: callbacks.KindNode, Node: n, Index: -1, Iteration: 1, Attempt: 1},
		{Kind: callbacks.KindNode, Node: n, Index: 0, Attempt: 1},
		{Kind: callbacks.KindMapItem, Node: n, Index: 0, Attempt: 1},
		{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "m"}, Index: -1, Attempt: 1},
	} {
		cc := &callbacks.CallbackContext{}
		root.Begin(cc, s)
		if seen[cc.SpanID()] {
			t.Errorf("%+v has the id of another scope", s)
		}
		seen[cc.SpanID()] = true
	}
}

type answers map[any]any

func (a answers) ContextValue(_ *callbacks.CallbackContext, key any) any { return a[key] }

func TestContext(t *testing.T) { // not parallel: it counts goroutines
	type key string
	base, cancel := context.WithTimeout(context.WithValue(context.Background(), key("a"), "base"), time.Hour)
	cc := callbacks.NewRun(context.WithValue(base, key("b"), "base"), callbacks.RunConfig{
		Pipeline: &callbacks.Node{Name: "p"},
		Values:   []callbacks.ContextValue{answers{key("a"): "asked"}},
	})
	if cc.Value(key("a")) != "asked" || cc.Value(key("b")) != "base" || cc.Value(key("c")) != nil {
		t.Error(cc.Value(key("a")), cc.Value(key("b")), cc.Value(key("c")))
	}
	derived := context.WithValue(cc, key("d"), 1)
	if callbacks.FromContext(derived) != cc || callbacks.FromContext(cc) != cc || callbacks.FromContext(base) != nil {
		t.Error("FromContext does not find the innermost scope")
	}
	if d, ok := cc.Deadline(); !ok || d.IsZero() || cc.Err() != nil {
		t.Error("the deadline is not that of the base")
	}
	before := runtime.NumGoroutine()
	child, stop := context.WithCancel(cc)
	defer stop()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("deriving a context starts %d goroutines", n-before)
	}
	cancel()
	<-cc.Done()
	if child.Err() == nil || cc.Err() == nil {
		t.Error("the cancellation did not arrive")
	}
}

func TestContextIsOneCacheLine(t *testing.T) {
	t.Parallel()
	if n := unsafe.Sizeof(callbacks.CallbackContext{}); n != 64 {
		t.Errorf("%d bytes, want 64", n)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	epoch := time.Now()
	_, _, _, _, leaf := scopes(callbacks.RunConfig{Epoch: epoch})
	if !leaf.Start().Equal(epoch) || leaf.Elapsed() < 0 {
		t.Error(leaf.Start(), leaf.Elapsed())
	}
	_, _, _, _, untimed := scopes(callbacks.RunConfig{})
	if !untimed.Start().IsZero() || untimed.Elapsed() != 0 {
		t.Error(untimed.Start(), untimed.Elapsed())
	}
}

func TestSharedState(t *testing.T) {
	t.Parallel()
	hits, other := callbacks.NewKey[int]("hits"), callbacks.NewKey[string]("hits")
	root, _, item, inner, leaf := scopes(callbacks.RunConfig{})
	if _, ok := hits.Get(leaf); ok {
		t.Error("a value that nobody set")
	}
	hits.Set(root, 1)
	hits.Set(item, 2)
	for cc, want := range map[*callbacks.CallbackContext]int{root: 1, item: 2, inner: 2, leaf: 2} {
		if got, ok := hits.Get(cc); got != want || !ok {
			t.Errorf("%s: %d, want %d", cc.Path(), got, want)
		}
	}
	if _, ok := other.Get(leaf); ok {
		t.Error("two keys of the same name are one")
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { hits.Update(leaf.Root(), func(n int, _ bool) int { return n + 1 }) })
	}
	all.Wait()
	if got, _ := hits.Get(root); got != 51 {
		t.Errorf("%d after 50 updates", got)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	root, _, _, _, leaf := scopes(callbacks.RunConfig{ID: "r1"})
	run := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		ID: leaf.RunID(), Identity: leaf.Identity(), SpanID: root.SpanID(), Pipeline: &callbacks.Node{Name: "daily"},
	})
	got := callbacks.Restore(run, nil, callbacks.Restored{
		Scope:  callbacks.Scope{Kind: leaf.Kind(), Node: &callbacks.Node{Name: leaf.Name()}, Index: -1, Attempt: 1},
		SpanID: leaf.SpanID(), ParentSpanID: leaf.ParentSpanID(), Path: leaf.Path(), Depth: leaf.Depth(),
	})
	if got.Path() != leaf.Path() || got.SpanID() != leaf.SpanID() || got.ParentSpanID() != leaf.ParentSpanID() ||
		got.Depth() != leaf.Depth() || got.RunID() != "r1" || got.TraceID() != leaf.TraceID() || got.SpanName() != leaf.SpanName() {
		t.Errorf("restored %s %s %s", got.Path(), got.SpanID(), got.ParentSpanID())
	}
	child := begin(got, callbacks.KindNode, &callbacks.Node{Name: "x"}, -1)
	if child.Path() != leaf.Path()+"/x" || child.ParentSpanID() != leaf.SpanID() {
		t.Errorf("child of a restored scope: %s under %s", child.Path(), child.ParentSpanID())
	}
}

func TestSpanIDAllocatesNothing(t *testing.T) {
	root, _, _, _, _ := scopes(callbacks.RunConfig{})
	node := &callbacks.Node{Name: "n"}
	list := make([]callbacks.CallbackContext, 101)
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		root.Begin(&list[i], callbacks.Scope{Kind: callbacks.KindNode, Node: node, Index: -1, Attempt: 1})
		_ = list[i].SpanID()
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
