package callbacks_test

import (
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
)

// TestPin: it stays, hears the same as without, and Multi calls it itself.
func TestPin(t *testing.T) {
	t.Parallel()
	rec := &callbacktest.Recorder{}
	p := callbacks.Pin(rec)
	if stays, ok := p.(callbacks.Pinned); !ok || !stays.Pinned() {
		t.Error("it is not pinned")
	}
	if callbacks.Interest(p) != callbacks.Interest(rec) {
		t.Errorf("it wants %s, and the callback %s", callbacks.Interest(p), callbacks.Interest(rec))
	}
	only := callbacks.Multi(p)
	if g, ok := only.(interface {
		Unguarded(hooks callbacks.Hook) callbacks.PipelineCallback
	}); !ok || g.Unguarded(callbacks.AllHooks) != callbacks.PipelineCallback(rec) {
		t.Errorf("Multi does not call the callback itself: %T", only)
	}
	_, _, _, _, leaf := scopes(callbacks.RunConfig{})
	only.OnNodeStart(leaf, callbacks.NodeStart{})
	p.OnNodeEnd(leaf, callbacks.NodeEnd{})
	if n := len(rec.Events()); n != 2 {
		t.Errorf("%d events", n)
	}
}
