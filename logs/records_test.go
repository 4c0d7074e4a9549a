package logs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
)

// one calls a hook by hand and returns the record that it logs.
func one(t *testing.T, call func(callbacks.PipelineCallback)) map[string]any {
	t.Helper()
	var b buffer
	call(Lifecycle(logged(t, &b, Config{Level: "debug"})))
	list := b.records(t)
	if len(list) != 1 {
		t.Fatalf("%d records, want 1", len(list))
	}
	return list[0]
}

func TestWhatFailed(t *testing.T) {
	root := run(context.Background())
	mapped := inside(root, callbacks.KindMap, "m", -1, 1)
	item := inside(mapped, callbacks.KindMapItem, "m", 0, 1)
	for want, cc := range map[string]*callbacks.CallbackContext{
		"run failed": root, "map failed": mapped, "map item failed": item,
		"pipeline failed": inside(item, callbacks.KindPipeline, "m", -1, 1),
		"node failed":     inside(root, callbacks.KindNode, "n", -1, 1),
	} {
		r := one(t, func(cb callbacks.PipelineCallback) {
			cb.OnError(cc, callbacks.Failure{Err: errors.New(strings.Repeat("é", 300)), Result: callbacks.ResultFailure})
		})
		if r["msg"] != want || r["level"] != "ERROR" || r[keyExceptionMessage] != strings.Repeat("é", 253)+"..." {
			t.Errorf("%v, want %s", r, want)
		}
		_, has := r[keyAttemptNumber]
		if counts := cc.Kind() == callbacks.KindNode || cc.Kind() == callbacks.KindMapItem; has != counts {
			t.Errorf("%s: it has an attempt: %t, want %t", want, has, counts)
		}
	}
}

// TestAttemptsOfAnother holds that the attempts of a scope around a failure are
// not taken for its own.
func TestAttemptsOfAnother(t *testing.T) {
	around := node(context.Background())
	cc := inside(around, callbacks.KindNode, "inner", -1, 1)
	var b buffer
	cb := Lifecycle(logged(t, &b, Config{Level: "error"}))
	cb.OnNodeRetry(around, callbacks.NodeRetry{Attempt: 4, Err: errors.New("x")})
	cb.OnError(cc, callbacks.Failure{Err: errors.New("x"), Result: callbacks.ResultFailure})
	cb.OnError(around, callbacks.Failure{Err: errors.New("x"), Result: callbacks.ResultFailure})
	list := b.records(t)
	if len(list) != 2 || list[0][keyAttemptNumber] != 1.0 || list[1][keyAttemptNumber] != 5.0 {
		t.Errorf("%v, want the attempts 1 and 5", list)
	}
}

func TestHandOver(t *testing.T) {
	root := run(context.Background())
	for name, c := range map[string]struct {
		around *callbacks.CallbackContext
		level  string
	}{
		"in a pipeline": {root, "INFO"},
		"in an item":    {inside(inside(root, callbacks.KindMap, "m", -1, 1), callbacks.KindMapItem, "m", 0, 1), "DEBUG"},
	} {
		child := inside(c.around, callbacks.KindPipeline, "m", -1, 1)
		child.Override(callbacks.Override{Runner: "temporal"})
		r := one(t, func(cb callbacks.PipelineCallback) {
			cb.OnNestedPipelineStart(c.around, callbacks.NestedPipelineStart{Child: child})
		})
		if r["level"] != c.level || r[keyRunner] != "temporal" || r[keyRunnerBefore] != "local" || r[keyPath] != child.Path() {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestBypass(t *testing.T) {
	var b buffer
	cb := Lifecycle(logged(t, &b, Config{Level: "debug"}))
	looked := &callbacks.CacheLookup{Bypass: true, Reason: "there is no cache"}
	cb.OnNodeStart(node(context.Background()), callbacks.NodeStart{Cache: looked})
	cb.OnNodeEnd(node(context.Background()), callbacks.NodeEnd{
		End: callbacks.End{Result: callbacks.ResultSuccess}, Attempts: 1, Cache: looked,
	})
	list := b.records(t)
	if len(list) != 3 || list[0][keyCacheResult] != "bypass" || list[0][keyCacheReason] != "there is no cache" || list[2]["msg"] != "node ended" {
		t.Errorf("%v, want a look-up, a start and an end", list)
	}
}

// TestNothingToTell calls hooks that say nothing new.
func TestNothingToTell(t *testing.T) {
	root := run(context.Background())
	nested := inside(root, callbacks.KindPipeline, "inner", -1, 1)
	r := one(t, func(cb callbacks.PipelineCallback) {
		cb.OnNestedPipelineStart(root, callbacks.NestedPipelineStart{Child: nested}) // the same runner
		cb.OnPipelineStart(nested, callbacks.PipelineStart{})
	})
	if r["msg"] != "pipeline started" {
		t.Errorf("%v, want the start only", r)
	}
	r = one(t, func(cb callbacks.PipelineCallback) { // a failure is not offered to the cache
		cb.OnNodeEnd(inside(root, callbacks.KindNode, "n", -1, 1), callbacks.NodeEnd{
			End: callbacks.End{Result: callbacks.ResultFailure, Err: errors.New("x")}, Attempts: 1, Cache: &callbacks.CacheLookup{},
		})
	})
	if r["msg"] != "node ended" {
		t.Errorf("%v, want the end only", r)
	}
}

// TestDurations holds that only what was measured is told, when nobody wants
// times: that of the run.
func TestDurations(t *testing.T) {
	root := run(context.Background())
	nested := inside(root, callbacks.KindPipeline, "inner", -1, 1)
	var b buffer
	cb := Lifecycle(logged(t, &b, Config{Level: "debug"}))
	success := callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}}
	cb.OnPipelineStart(root, callbacks.PipelineStart{})
	cb.OnPipelineEnd(nested, success)
	cb.OnPipelineEnd(root, success)
	list := b.records(t)
	if len(list) != 3 || list[1][keyDuration] != nil || list[2][keyDuration] == nil {
		t.Errorf("%v, want a duration of the run only", list)
	}
}

// TestCancelled holds that what was cancelled is no error of its own.
func TestCancelled(t *testing.T) {
	r := one(t, func(cb callbacks.PipelineCallback) {
		cb.OnNodeEnd(node(context.Background()), callbacks.NodeEnd{
			End: callbacks.End{Result: callbacks.ResultCancellation, Err: context.Canceled}, Attempts: 1,
		})
	})
	if r[keyResult] != "cancellation" || r[keyErrorType] != nil || r[keyDuration] != nil {
		t.Errorf("%v, want no error, and no duration where none was measured", r)
	}
}

// TestRestoredContext logs what is known of a scope in another process.
func TestRestoredContext(t *testing.T) {
	cc := callbacks.Restore(run(context.Background()), nil, callbacks.Restored{
		Scope: callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 2},
		Path:  "daily/fetch", SpanID: callbacks.SpanID{7: 9},
	})
	r := one(t, func(cb callbacks.PipelineCallback) { cb.OnNodeStart(cc, callbacks.NodeStart{}) })
	if r[keyPath] != "daily/fetch" || r[keySpanID] != "0000000000000009" || r[keyPipelineName] != nil {
		t.Errorf("%v", r)
	}
}
