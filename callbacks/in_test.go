package callbacks_test

import (
	"context"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
)

// TestIn: In sees what is stored in the scope itself, Get what is stored around it.
func TestIn(t *testing.T) {
	base := context.WithValue(context.Background(), new(int), 1)
	root := callbacks.NewRun(base, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	node := &callbacks.CallbackContext{}
	root.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
	k := callbacks.NewKey[int]("k")
	k.Set(root, 1)
	if v, ok := k.In(node); ok {
		t.Errorf("In gives %d, which is stored around the node", v)
	}
	if v, ok := k.In(root); v != 1 || !ok {
		t.Errorf("In gives %d, %t", v, ok)
	}
	if node.Ended() {
		t.Error("a node has ended that nobody ended")
	}
	node.End()
	if !node.Ended() || root.Ended() {
		t.Error("the node has not ended, or its pipeline has")
	}
	if node.Base() != base {
		t.Error("Base is not the context of the run")
	}
}
