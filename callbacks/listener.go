package callbacks

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// listener calls one callback with the hooks that it wants.
type listener struct {
	callback PipelineCallback
	hooks    Hook
	panicked atomic.Bool
}

// Hooks returns the hooks that the callback wants.
func (l *listener) Hooks() Hook { return l.hooks }

// UnsampledHooks implements [Unsampled].
func (l *listener) UnsampledHooks() (h Hook) {
	l.ask("UnsampledHooks", func() { h = unsampledInterest(l.callback) })
	return h
}

// Unsample has the callback hear what it wants of a run that is not sampled. It is
// for the engine, before the first hook of a run for which it made the listener.
func (l *listener) Unsample() { l.hooks = l.UnsampledHooks() }

// RunIdentity implements [RunIdentity].
func (l *listener) RunIdentity(ctx context.Context) (id Identity, ok bool) {
	if i, is := l.callback.(RunIdentity); is {
		l.ask("RunIdentity", func() { id, ok = i.RunIdentity(ctx) })
	}
	return id, ok
}

// ContextValue implements [ContextValue].
func (l *listener) ContextValue(cc *CallbackContext, key any) any {
	return l.value(cc, key)
}

func (l *listener) value(cc *CallbackContext, key any) (answer any) {
	if v, is := l.callback.(ContextValue); is {
		l.ask("ContextValue", func() { answer = v.ContextValue(cc, key) })
	}
	return answer
}

// Unguarded returns the callback itself, for an engine that recovers the panics
// of hooks where it recovers others, and then calls Panicked.
func (l *listener) Unguarded(Hook) PipelineCallback { return l.callback }

// Panicked tells of a panic of an unguarded hook. It must be called while the
// stack is still there, by the deferred function that has recovered.
func (l *listener) Panicked(h Hook, cc *CallbackContext, value any) {
	l.log(value, "hook", h.String(), "path", cc.Path())
}

// guard keeps a panic of a hook away from the run.
func (l *listener) guard(h Hook, cc *CallbackContext) {
	if p := recover(); p != nil {
		l.log(p, "hook", h.String(), "path", cc.Path())
	}
}

// ask calls another method of the callback, and keeps its panic away too.
func (l *listener) ask(method string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			l.log(p, "method", method)
		}
	}()
	f()
}

// log counts a panic, and tells of the first: the others most likely say the same.
func (l *listener) log(value any, where ...any) {
	countPanic(fmt.Sprintf("%T", l.callback))
	if l.panicked.CompareAndSwap(false, true) {
		slog.Error("callback panicked; the run goes on", append([]any{
			"callback", fmt.Sprintf("%T", l.callback), "panic", fmt.Sprint(value), "stack", string(debug.Stack()),
		}, where...)...)
	}
}

func (l *listener) OnPipelineStart(cc *CallbackContext, ev PipelineStart) {
	if l.hooks&HookPipelineStart == 0 {
		return
	}
	defer l.guard(HookPipelineStart, cc)
	l.callback.OnPipelineStart(cc, ev)
}

func (l *listener) OnPipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	if l.hooks&HookPipelineEnd == 0 {
		return
	}
	defer l.guard(HookPipelineEnd, cc)
	l.callback.OnPipelineEnd(cc, ev)
}

func (l *listener) OnNodeStart(cc *CallbackContext, ev NodeStart) {
	if l.hooks&HookNodeStart == 0 {
		return
	}
	defer l.guard(HookNodeStart, cc)
	l.callback.OnNodeStart(cc, ev)
}

func (l *listener) OnNodeEnd(cc *CallbackContext, ev NodeEnd) {
	if l.hooks&HookNodeEnd == 0 {
		return
	}
	defer l.guard(HookNodeEnd, cc)
	l.callback.OnNodeEnd(cc, ev)
}

func (l *listener) OnNodeCached(cc *CallbackContext, ev NodeCached) {
	if l.hooks&HookNodeCached == 0 {
		return
	}
	defer l.guard(HookNodeCached, cc)
	l.callback.OnNodeCached(cc, ev)
}

func (l *listener) OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	if l.hooks&HookNestedPipelineStart == 0 {
		return
	}
	defer l.guard(HookNestedPipelineStart, cc)
	l.callback.OnNestedPipelineStart(cc, ev)
}

func (l *listener) OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	if l.hooks&HookNestedPipelineEnd == 0 {
		return
	}
	defer l.guard(HookNestedPipelineEnd, cc)
	l.callback.OnNestedPipelineEnd(cc, ev)
}

func (l *listener) OnMapStart(cc *CallbackContext, ev MapStart) {
	if l.hooks&HookMapStart == 0 {
		return
	}
	defer l.guard(HookMapStart, cc)
	l.callback.OnMapStart(cc, ev)
}

func (l *listener) OnMapEnd(cc *CallbackContext, ev MapEnd) {
	if l.hooks&HookMapEnd == 0 {
		return
	}
	defer l.guard(HookMapEnd, cc)
	l.callback.OnMapEnd(cc, ev)
}

func (l *listener) OnMapItemStart(cc *CallbackContext, ev MapItemStart) {
	if l.hooks&HookMapItemStart == 0 {
		return
	}
	defer l.guard(HookMapItemStart, cc)
	l.callback.OnMapItemStart(cc, ev)
}

func (l *listener) OnMapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	if l.hooks&HookMapItemEnd == 0 {
		return
	}
	defer l.guard(HookMapItemEnd, cc)
	l.callback.OnMapItemEnd(cc, ev)
}

func (l *listener) OnMapItemCached(cc *CallbackContext, ev MapItemCached) {
	if l.hooks&HookMapItemCached == 0 {
		return
	}
	defer l.guard(HookMapItemCached, cc)
	l.callback.OnMapItemCached(cc, ev)
}

func (l *listener) OnError(cc *CallbackContext, ev Failure) {
	if l.hooks&HookError == 0 {
		return
	}
	defer l.guard(HookError, cc)
	l.callback.OnError(cc, ev)
}

func (l *listener) OnNodeRetry(cc *CallbackContext, ev NodeRetry) {
	if l.hooks&HookNodeRetry == 0 {
		return
	}
	defer l.guard(HookNodeRetry, cc)
	l.callback.OnNodeRetry(cc, ev)
}

func (l *listener) OnNodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	if l.hooks&HookNodeSkipped == 0 {
		return
	}
	defer l.guard(HookNodeSkipped, cc)
	l.callback.OnNodeSkipped(cc, ev)
}

func (l *listener) OnEmit(cc *CallbackContext, ev Emit) {
	if l.hooks&HookEmit == 0 {
		return
	}
	defer l.guard(HookEmit, cc)
	l.callback.OnEmit(cc, ev)
}

func (l *listener) OnCrashed(cc *CallbackContext, ev Crashed) {
	if l.hooks&HookCrashed == 0 {
		return
	}
	defer l.guard(HookCrashed, cc)
	l.callback.OnCrashed(cc, ev)
}

func (l *listener) OnMetric(cc *CallbackContext, ev Metric) {
	if l.hooks&HookMetric == 0 {
		return
	}
	defer l.guard(HookMetric, cc)
	l.callback.OnMetric(cc, ev)
}
