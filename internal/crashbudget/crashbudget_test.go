package crashbudget_test

import (
	"context"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/crashbudget"
)

// TestBudget has two maps of five items with a node in each, and room for three.
func TestBudget(t *testing.T) {
	t.Parallel()
	for _, most := range []int{3, 0} {
		b := &crashbudget.Budget{Max: most}
		for range 2 { // a run is counted by itself
			root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
			items, nodes := 0, 0
			for _, name := range []string{"a", "b"} {
				m := begin(root, callbacks.KindMap, name, -1)
				for i := range int32(5) {
					item := begin(m, callbacks.KindMapItem, name, i)
					node := begin(item, callbacks.KindNode, "inside", -1)
					inside, itself := b.Keeps(node), b.Keeps(item)
					if inside != itself {
						t.Errorf("%s: %t, and what is inside: %t", item, itself, inside)
					}
					if itself {
						items++
					}
				}
				if b.Keeps(m) {
					nodes++
				}
			}
			if items != 2*most || nodes != 2 || !b.Keeps(root) {
				t.Errorf("%d items and %d maps are kept of room for %d items a map", items, nodes, most)
			}
		}
	}
}

func begin(parent *callbacks.CallbackContext, k callbacks.Kind, name string, index int32) *callbacks.CallbackContext {
	cc := &callbacks.CallbackContext{}
	parent.Begin(cc, callbacks.Scope{Kind: k, Node: &callbacks.Node{Name: name}, Index: index, Attempt: 1})
	return cc
}
