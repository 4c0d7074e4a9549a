package callbacks_test

import (
	"testing"

	"github.com/spanloom/spanloom/callbacks"
)

// TestRestoredRunner: what is restored inherits as what was made does.
func TestRestoredRunner(t *testing.T) {
	run := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "daily"}, Runner: "local"})
	restore := func(parent *callbacks.CallbackContext, o *callbacks.Override) *callbacks.CallbackContext {
		cc := callbacks.Restore(run, parent, callbacks.Restored{
			Scope:  callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}},
			SpanID: callbacks.SpanID{1}, ParentSpanID: callbacks.SpanID{2},
		})
		if o != nil {
			cc.Override(*o)
		}
		return cc
	}
	other := restore(run, &callbacks.Override{Runner: "sequential"})
	for _, tc := range []struct {
		what string
		cc   *callbacks.CallbackContext
		want string
	}{
		{"nothing said", restore(run, nil), "local"},
		{"said", other, "sequential"},
		{"inherited", restore(other, nil), "sequential"},
		{"said back", restore(other, &callbacks.Override{Runner: "local"}), "local"},
		{"said without a parent", restore(nil, &callbacks.Override{Runner: "sequential"}), "sequential"},
	} {
		if got := tc.cc.Runner(); got != tc.want {
			t.Errorf("%s: runner %q, want %q", tc.what, got, tc.want)
		}
	}
}
