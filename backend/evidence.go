package backend

import (
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// evidence is that the destination of an instance takes things. It is not enough that a
// Flush has gone well: there may have been nothing to export.
type evidence struct {
	exported uint64 // by an instance that counts, at the last acknowledgement
	wanted   bool   // something came since then that another one exports
}

// counter is an instance that counts what its destination has taken.
type counter interface{ Exported() uint64 }

// starts need not be exported.
const starts = callbacks.HookPipelineStart | callbacks.HookNodeStart | callbacks.HookNestedPipelineStart | callbacks.HookMapStart | callbacks.HookMapItemStart

// came notes a batch of hooks for an instance that wants some of them.
func (e *evidence) came(b *pb.Batch, wants callbacks.Hook) {
	for _, h := range b.GetEvents().GetHook() {
		if e.wanted {
			return
		}
		e.wanted = h > 0 && (wants&^starts)>>(h-1)&1 != 0
	}
}

// shown reports whether the destination has taken something since the last
// acknowledgement, after a Flush that went well or did not.
func (e *evidence) shown(in Instance, well bool) bool {
	wanted := e.wanted
	e.wanted = false
	if c, ok := as[counter](in); ok {
		before := e.exported
		e.exported = c.Exported()
		return e.exported > before
	}
	return wanted && well
}
