package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// plainLayout is what a file gets.
var plainLayout = layout{width: defaultWidth}

// fields returns the lines of out without their columns.
func fields(out string) []string {
	var list []string
	for l := range strings.Lines(out) {
		list = append(list, strings.Join(strings.Fields(l), " "))
	}
	return list
}

func want(t *testing.T, out string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, fields(out)); diff != "" {
		t.Errorf("lines (-want +got)\n%s", diff)
	}
}

// restored returns contexts as a backend process makes them, in which parents
// are not known.
func restored(c callbacks.RunConfig) (root *callbacks.CallbackContext, child func(callbacks.Restored) *callbacks.CallbackContext) {
	root = callbacks.NewRun(context.Background(), c)
	return root, func(r callbacks.Restored) *callbacks.CallbackContext {
		if r.Index == 0 && r.Kind != callbacks.KindMapItem {
			r.Index = -1
		}
		return callbacks.Restore(root, nil, r)
	}
}

var ok = callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}

// TestEndsOnly: after a loss, Ends come without their Starts.
func TestEndsOnly(t *testing.T) {
	out := render(t, backend.Config{}, func(in backend.Instance) {
		root, child := restored(hooktest.Config("daily"))
		node := &callbacks.Node{Name: "embed"}
		in.OnNodeEnd(child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindNode, Node: node}, SpanID: callbacks.SpanID{1},
			ParentSpanID: callbacks.SpanID{2}, Path: "daily/features/embed", Depth: 1,
		}), callbacks.NodeEnd{End: ok, Attempts: 1})
		// In an item: not printed.
		in.OnNodeEnd(child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindNode, Node: node}, SpanID: callbacks.SpanID{3},
			ParentSpanID: callbacks.SpanID{4}, Path: "daily/parse[3]/embed", Depth: 1,
		}), callbacks.NodeEnd{End: ok, Attempts: 1})
		in.OnPipelineEnd(child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindPipeline, Node: node}, SpanID: callbacks.SpanID{5},
			ParentSpanID: callbacks.SpanID{6}, Path: "daily/parse[3]", Depth: 1,
		}), callbacks.PipelineEnd{End: ok})
		// A nested pipeline and then the run.
		in.OnPipelineEnd(child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindPipeline, Node: &callbacks.Node{Name: "features"}}, SpanID: callbacks.SpanID{2},
			ParentSpanID: root.SpanID(), Path: "daily/features", Depth: 1,
		}), callbacks.PipelineEnd{End: ok})
		in.OnPipelineEnd(root, callbacks.PipelineEnd{End: ok})
	})
	want(t, out,
		"pipeline daily run 4f1c2a9b trace 7d0e0000000000000000000000000001",
		"node embed 1.0ms ok at daily/features/embed",
		"pipeline features 1.0ms ok",
		"pipeline daily 1.0ms ok")
}

func TestRunEndOnly(t *testing.T) {
	out := render(t, backend.Config{}, func(in backend.Instance) {
		root, _ := restored(hooktest.Config("daily"))
		in.OnPipelineEnd(root, callbacks.PipelineEnd{End: ok})
	})
	want(t, out, "pipeline daily 1.0ms ok run 4f1c2a9b trace 7d0e0000000000000000000000000001")
}

// TestRestored: a run whose contexts know their parents by id alone is printed
// as one whose contexts know all.
func TestRestored(t *testing.T) {
	out := render(t, backend.Config{}, func(in backend.Instance) {
		root, child := restored(hooktest.Config("daily"))
		in.OnPipelineStart(root, callbacks.PipelineStart{})
		nested := child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindPipeline, Node: &callbacks.Node{Name: "stats"}}, SpanID: callbacks.SpanID{2},
			ParentSpanID: root.SpanID(), Path: "daily/stats", Depth: 1,
		})
		in.OnPipelineStart(nested, callbacks.PipelineStart{})
		in.OnNodeEnd(child(callbacks.Restored{
			Scope: callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "total"}}, SpanID: callbacks.SpanID{3},
			ParentSpanID: callbacks.SpanID{2}, Path: "daily/stats/total", Depth: 1,
		}), callbacks.NodeEnd{End: ok, Attempts: 1})
		in.OnPipelineEnd(nested, callbacks.PipelineEnd{End: ok})
		in.OnPipelineEnd(root, callbacks.PipelineEnd{End: ok})
	})
	want(t, out,
		"pipeline daily run 4f1c2a9b trace 7d0e0000000000000000000000000001",
		"pipeline stats", "node total 1.0ms ok", "pipeline stats 1.0ms ok", "pipeline daily 1.0ms ok")
}

// TestLostEnds: what never ends is closed with what is around it.
func TestLostEnds(t *testing.T) {
	out := render(t, backend.Config{}, func(in backend.Instance) {
		run := hooktest.Start(in, hooktest.Config("daily"))
		a, b := run.Nested("a"), run.Nested("b")
		a.Nested("aa").Node("x").OK(ms)
		b.Node("y").OK(ms)
		run.OK(ms)
		hooktest.Start(in, numbered("other", 2)).Node("z").OK(ms)
		hooktest.Start(in, numbered("waiting", 3)).Node("z").OK(ms)
	})
	want(t, out,
		"pipeline daily run 4f1c2a9b trace 7d0e0000000000000000000000000001",
		"pipeline a", "pipeline aa", "node x 1.0ms ok", "pipeline b", "node y 1.0ms ok",
		"pipeline daily 1.0ms ok",
		"pipeline other run 021c2a9b trace 7d0e0000000000000000000000000002", "node z 1.0ms ok",
		"pipeline other open its end was not received run 021c2a9b trace 7d0e0000000000000000000000000002",
		"pipeline waiting run 031c2a9b trace 7d0e0000000000000000000000000003", "node z 1.0ms ok",
		"pipeline waiting open its end was not received run 031c2a9b trace 7d0e0000000000000000000000000003")
}

// TestBranch: a node with steps inside has a line before them.
func TestBranch(t *testing.T) {
	out := render(t, backend.Config{}, func(in backend.Instance) {
		run := hooktest.Start(in, hooktest.Config("daily"))
		b := run.Node("choose")
		b.Node("left").OK(ms)
		b.OK(ms)
		run.OK(ms)
		check(t, run)
	})
	want(t, out,
		"pipeline daily run 4f1c2a9b trace 7d0e0000000000000000000000000001",
		"node choose", "node left 1.0ms ok", "node choose 1.0ms ok", "pipeline daily 1.0ms ok")
}

// TestBounded: what waits is bounded; the focus moves on when it is too much,
// and no line is lost.
func TestBounded(t *testing.T) {
	var out strings.Builder
	in := newInstance(&out, plainLayout, false, time.Now)
	first := hooktest.Start(in, numbered("first", 1))
	n := first.Nested("inner")
	second := hooktest.Start(in, numbered("second", 2))
	const lines = 3 * maxBuffered / 60
	for i := range lines {
		second.Node(fmt.Sprintf("n%d", i)).OK(ms)
		if in.tree.buffered > maxBuffered {
			t.Fatalf("%d bytes wait", in.tree.buffered)
		}
	}
	n.Node("late").OK(ms)
	n.OK(ms)
	second.OK(ms)
	first.OK(ms)
	if err := in.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := fields(out.String())
	if n := strings.Count(out.String(), "  node n"); n != lines {
		t.Errorf("%d lines of nodes, want %d", n, lines)
	}
	if diff := cmp.Diff([]string{
		"pipeline second 1.0ms ok",
		"pipeline first run 011c2a9b trace 7d0e0000000000000000000000000001 (continued)",
		"pipeline inner (continued)",
		"node late 1.0ms ok",
		"pipeline inner 1.0ms ok",
		"pipeline first 1.0ms ok",
	}, got[len(got)-6:]); diff != "" {
		t.Errorf("the end (-want +got)\n%s", diff)
	}
	if in.tree.buffered != 0 {
		t.Errorf("%d bytes wait after Close", in.tree.buffered)
	}
}

// TestSilence: a run that says nothing does not hide the others for ever.
func TestSilence(t *testing.T) {
	var out strings.Builder
	now := hooktest.Epoch
	in := newInstance(&out, plainLayout, false, func() time.Time { return now })
	slow := hooktest.Start(in, numbered("slow", 1))
	quick := hooktest.Start(in, numbered("quick", 2))
	quick.OK(ms)
	_ = in.Flush(t.Context())
	if strings.Contains(out.String(), "quick") {
		t.Error("the second run is printed at once")
	}
	now = now.Add(maxSilence + time.Second)
	_ = in.Flush(t.Context())
	slow.Node("x").OK(ms)
	slow.OK(ms)
	_ = in.Close(t.Context())
	want(t, out.String(),
		"pipeline slow run 011c2a9b trace 7d0e0000000000000000000000000001",
		"pipeline quick 1.0ms ok run 021c2a9b trace 7d0e0000000000000000000000000002",
		"pipeline slow run 011c2a9b trace 7d0e0000000000000000000000000001 (continued)",
		"node x 1.0ms ok", "pipeline slow 1.0ms ok")
}

// TestManyRuns: runs whose end is lost are forgotten.
func TestManyRuns(t *testing.T) {
	var out strings.Builder
	in := newInstance(&out, plainLayout, false, time.Now)
	for i := range maxRuns + 10 {
		c := hooktest.Config("daily")
		c.ID = fmt.Sprintf("run-%d", i)
		hooktest.Start(in, c)
	}
	if n := len(in.runs.order); n != maxRuns || len(in.runs.byKey) != maxRuns {
		t.Errorf("%d runs are kept, want %d", n, maxRuns)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestBrokenOutput(t *testing.T) {
	boom := errors.New("boom")
	in := newInstance(brokenWriter{boom}, plainLayout, false, time.Now)
	quickstart(in)
	if err := in.Flush(t.Context()); !errors.Is(err, boom) {
		t.Errorf("Flush: %v, want %v", err, boom)
	}
	if err := in.Flush(t.Context()); err != nil {
		t.Errorf("second Flush: %v", err)
	}
}
