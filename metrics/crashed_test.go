package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// TestCrashedRun holds that a run whose process has died is one failure, whatever
// was running in it.
func TestCrashedRun(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := callbacks.NewRun(context.Background(), hooktest.Config("nightly"))
	inside := func(kind callbacks.Kind, parent *callbacks.CallbackContext) *callbacks.CallbackContext {
		cc := &callbacks.CallbackContext{}
		parent.Begin(cc, callbacks.Scope{Kind: kind, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
		return cc
	}
	nested := inside(callbacks.KindPipeline, run)
	for _, cc := range []*callbacks.CallbackContext{inside(callbacks.KindNode, nested), nested, inside(callbacks.KindMap, run), run} {
		m.OnCrashed(cc, callbacks.Crashed{Duration: time.Minute})
	}
	want := []string{"spanloom.errors error.type=crashed,spanloom.component=pipeline = 1"}
	if diff := cmp.Diff(want, lines(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
