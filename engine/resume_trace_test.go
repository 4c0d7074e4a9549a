package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// TestARunGoesOnInAnotherTrace has a run that is started four times.
func TestARunGoesOnInAnotherTrace(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	p := single(func(context.Context, int) (int, error) { return 0, errBroken })
	var trace callbacks.TraceID
	var span callbacks.SpanID
	given := callbacks.NewIdentity()
	for i, tt := range []struct {
		newTrace bool
		given    bool
	}{{}, {newTrace: true}, {}, {newTrace: true, given: true}, {given: true}} {
		var cc *callbacks.CallbackContext
		var start callbacks.PipelineStart
		cbs := []callbacks.PipelineCallback{callbacks.Funcs{
			PipelineStart: func(c *callbacks.CallbackContext, ev callbacks.PipelineStart) { cc, start = c, ev },
		}}
		if tt.given {
			cbs = append(cbs, identified{id: given})
		}
		_, err := p.Run(t.Context(), 1, engine.Config{RunID: "r", Runs: dir, NewTrace: tt.newTrace, Callbacks: cbs})
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		if i == 0 {
			trace, span = cc.TraceID(), cc.SpanID()
			if start.Resumed != nil {
				t.Error(start.Resumed)
			}
			continue
		}
		if want := (callbacks.Resumed{Starts: i, TraceID: trace, SpanID: span}); start.Resumed == nil || *start.Resumed != want {
			t.Errorf("%d: %v, want %v", i, start.Resumed, want)
		}
		if same := cc.TraceID() == trace; same == tt.newTrace {
			t.Errorf("%d: the trace is %s, that of the first start %s", i, cc.TraceID(), trace)
		}
		if tt.given && tt.newTrace && cc.TraceID() != given.TraceID {
			t.Errorf("%d: the trace is %s, not the one that is given", i, cc.TraceID())
		}
		if cc.SpanID() == span {
			t.Errorf("%d: the span id is that of the first start", i)
		}
	}
	if s, err := dir.Stat("r"); err != nil || s.TraceID != trace.String() {
		t.Error(s, err)
	}
}
