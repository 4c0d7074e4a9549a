package callbacks

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// Multi returns a callback that calls cbs in order, each with the hooks that it
// wants. A hook that panics is recovered; the first panic of each callback is
// logged with its name and stack. The other callbacks are still called. Nil callbacks are left out.
//
// Multi asks each callback for its interest once, now.
func Multi(cbs ...PipelineCallback) PipelineCallback {
	m := &multi{}
	for _, cb := range cbs {
		if cb == nil {
			continue
		}
		if in := Interest(cb); in&^Times != 0 {
			m.listeners = append(m.listeners, &listener{PipelineCallback: cb, wants: in})
			m.hooks |= in
		}
	}
	return m
}

type multi struct {
	listeners []*listener
	hooks     Hook
}

type listener struct {
	PipelineCallback
	wants    Hook
	panicked atomic.Bool
}

// Hooks returns the hooks that at least one of the callbacks wants.
func (m *multi) Hooks() Hook { return m.hooks }

// guard keeps a panic of a hook away from the run. The first one is logged: the
// others most likely say the same.
func (l *listener) guard(h Hook, cc *CallbackContext) {
	if p := recover(); p != nil && l.panicked.CompareAndSwap(false, true) {
		slog.Error("callback panicked; the run goes on",
			"callback", fmt.Sprintf("%T", l.PipelineCallback), "hook", h.String(),
			"path", cc.Path(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

func (m *multi) OnPipelineStart(cc *CallbackContext, ev PipelineStart) {
	for _, l := range m.listeners {
		if l.wants&HookPipelineStart != 0 {
			l.pipelineStart(cc, ev)
		}
	}
}

func (l *listener) pipelineStart(cc *CallbackContext, ev PipelineStart) {
	defer l.guard(HookPipelineStart, cc)
	l.OnPipelineStart(cc, ev)
}

func (m *multi) OnPipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	for _, l := range m.listeners {
		if l.wants&HookPipelineEnd != 0 {
			l.pipelineEnd(cc, ev)
		}
	}
}

func (l *listener) pipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	defer l.guard(HookPipelineEnd, cc)
	l.OnPipelineEnd(cc, ev)
}

func (m *multi) OnNodeStart(cc *CallbackContext, ev NodeStart) {
	for _, l := range m.listeners {
		if l.wants&HookNodeStart != 0 {
			l.nodeStart(cc, ev)
		}
	}
}

func (l *listener) nodeStart(cc *CallbackContext, ev NodeStart) {
	defer l.guard(HookNodeStart, cc)
	l.OnNodeStart(cc, ev)
}

func (m *multi) OnNodeEnd(cc *CallbackContext, ev NodeEnd) {
	for _, l := range m.listeners {
		if l.wants&HookNodeEnd != 0 {
			l.nodeEnd(cc, ev)
		}
	}
}

func (l *listener) nodeEnd(cc *CallbackContext, ev NodeEnd) {
	defer l.guard(HookNodeEnd, cc)
	l.OnNodeEnd(cc, ev)
}

func (m *multi) OnNodeCached(cc *CallbackContext, ev NodeCached) {
	for _, l := range m.listeners {
		if l.wants&HookNodeCached != 0 {
			l.nodeCached(cc, ev)
		}
	}
}

func (l *listener) nodeCached(cc *CallbackContext, ev NodeCached) {
	defer l.guard(HookNodeCached, cc)
	l.OnNodeCached(cc, ev)
}

func (m *multi) OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	for _, l := range m.listeners {
		if l.wants&HookNestedPipelineStart != 0 {
			l.nestedPipelineStart(cc, ev)
		}
	}
}

func (l *listener) nestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	defer l.guard(HookNestedPipelineStart, cc)
	l.OnNestedPipelineStart(cc, ev)
}

func (m *multi) OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	for _, l := range m.listeners {
		if l.wants&HookNestedPipelineEnd != 0 {
			l.nestedPipelineEnd(cc, ev)
		}
	}
}

func (l *listener) nestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	defer l.guard(HookNestedPipelineEnd, cc)
	l.OnNestedPipelineEnd(cc, ev)
}

func (m *multi) OnMapStart(cc *CallbackContext, ev MapStart) {
	for _, l := range m.listeners {
		if l.wants&HookMapStart != 0 {
			l.mapStart(cc, ev)
		}
	}
}

func (l *listener) mapStart(cc *CallbackContext, ev MapStart) {
	defer l.guard(HookMapStart, cc)
	l.OnMapStart(cc, ev)
}

func (m *multi) OnMapEnd(cc *CallbackContext, ev MapEnd) {
	for _, l := range m.listeners {
		if l.wants&HookMapEnd != 0 {
			l.mapEnd(cc, ev)
		}
	}
}

func (l *listener) mapEnd(cc *CallbackContext, ev MapEnd) {
	defer l.guard(HookMapEnd, cc)
	l.OnMapEnd(cc, ev)
}

func (m *multi) OnMapItemStart(cc *CallbackContext, ev MapItemStart) {
	for _, l := range m.listeners {
		if l.wants&HookMapItemStart != 0 {
			l.mapItemStart(cc, ev)
		}
	}
}

func (l *listener) mapItemStart(cc *CallbackContext, ev MapItemStart) {
	defer l.guard(HookMapItemStart, cc)
	l.OnMapItemStart(cc, ev)
}

func (m *multi) OnMapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	for _, l := range m.listeners {
		if l.wants&HookMapItemEnd != 0 {
			l.mapItemEnd(cc, ev)
		}
	}
}

func (l *listener) mapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	defer l.guard(HookMapItemEnd, cc)
	l.OnMapItemEnd(cc, ev)
}

func (m *multi) OnMapItemCached(cc *CallbackContext, ev MapItemCached) {
	for _, l := range m.listeners {
		if l.wants&HookMapItemCached != 0 {
			l.mapItemCached(cc, ev)
		}
	}
}

func (l *listener) mapItemCached(cc *CallbackContext, ev MapItemCached) {
	defer l.guard(HookMapItemCached, cc)
	l.OnMapItemCached(cc, ev)
}

func (m *multi) OnError(cc *CallbackContext, ev Failure) {
	for _, l := range m.listeners {
		if l.wants&HookError != 0 {
			l.error(cc, ev)
		}
	}
}

func (l *listener) error(cc *CallbackContext, ev Failure) {
	defer l.guard(HookError, cc)
	l.OnError(cc, ev)
}

func (m *multi) OnNodeRetry(cc *CallbackContext, ev NodeRetry) {
	for _, l := range m.listeners {
		if l.wants&HookNodeRetry != 0 {
			l.nodeRetry(cc, ev)
		}
	}
}

func (l *listener) nodeRetry(cc *CallbackContext, ev NodeRetry) {
	defer l.guard(HookNodeRetry, cc)
	l.OnNodeRetry(cc, ev)
}

func (m *multi) OnNodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	for _, l := range m.listeners {
		if l.wants&HookNodeSkipped != 0 {
			l.nodeSkipped(cc, ev)
		}
	}
}

func (l *listener) nodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	defer l.guard(HookNodeSkipped, cc)
	l.OnNodeSkipped(cc, ev)
}

func (m *multi) OnEmit(cc *CallbackContext, ev Emit) {
	for _, l := range m.listeners {
		if l.wants&HookEmit != 0 {
			l.emit(cc, ev)
		}
	}
}

func (l *listener) emit(cc *CallbackContext, ev Emit) {
	defer l.guard(HookEmit, cc)
	l.OnEmit(cc, ev)
}
