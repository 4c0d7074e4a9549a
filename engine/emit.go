package engine

import (
	"context"

	"github.com/spanloom/spanloom/callbacks"
)

// Emit gives out a value of a running node before its end: a chunk of its
// result, or how far it is. The callbacks of the run, and the reader of
// [Pipeline.Stream], get it at once, in the order of the calls.
//
// ctx must be that of the node, or made from it. Emit does nothing, and returns
// false, when ctx is not of a node, when the node's time is over, or when the
// run has ended. A goroutine that outlives its node emits nothing either, if
// someone hears what is emitted. The hook OnEmit must not call Emit for the same
// node.
func Emit(ctx context.Context, v any) bool {
	b, cc := running(ctx)
	return b != nil && cc.WhileOpen(func() {
		if b.ears.hooks&callbacks.HookEmit != 0 {
			b.ears.callback.OnEmit(cc, callbacks.Emit{Value: callbacks.NewValues(emitted{v}, 0)})
		}
	})
}

// running returns the node or map item whose code ctx is the context of, and the
// base of that; nil when there is none, or its time is over.
func running(ctx context.Context) (*base, *callbacks.CallbackContext) {
	b, _ := ctx.Value(baseKey{}).(*base)
	cc := callbacks.FromContext(ctx)
	if b == nil || cc == nil || ctx.Err() != nil || b.run.finished.Load() {
		return nil, nil
	}
	for cc.Kind() == callbacks.KindAttempt {
		cc = cc.Parent()
	}
	if k := cc.Kind(); k != callbacks.KindNode && k != callbacks.KindMapItem {
		return nil, nil
	}
	return b, cc
}

// emitted is a callbacks.ValueSource.
type emitted struct{ v any }

// Len implements callbacks.ValueSource.
func (emitted) Len(int32) int { return 1 }

// At implements callbacks.ValueSource.
func (e emitted) At(int32, int) any { return e.v }
