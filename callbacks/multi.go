package callbacks

import "context"

// Multi returns a callback that calls cbs in order, each with the hooks that it
// wants. A hook that panics is recovered; the first panic of each callback is
// logged with its name and stack. The other callbacks are still called. Nil
// callbacks are left out.
//
// The result is also a [RunIdentity] and a [ContextValue], with the first answer
// that one of cbs has. Multi asks each callback for its interest once, now.
func Multi(cbs ...PipelineCallback) PipelineCallback {
	m := &multi{}
	for _, cb := range cbs {
		if cb == nil {
			continue
		}
		if p, ok := cb.(pin); ok {
			cb = p.PipelineCallback
		}
		if inner, ok := cb.(*multi); ok { // each has a say of its own in each run
			m.join(inner)
			continue
		}
		l := &listener{callback: cb}
		l.ask("Hooks", func() { l.hooks = Interest(cb) })
		if l.hooks&^Times != 0 {
			m.listeners = append(m.listeners, l)
			m.hooks |= l.hooks
		}
		if id, ok := cb.(RunIdentity); ok {
			m.identities = append(m.identities, identity{id, l})
		}
		if _, ok := cb.(ContextValue); ok {
			m.values = append(m.values, l)
		}
	}
	if len(m.listeners) == 1 && len(cbs) == 1 {
		return m.listeners[0]
	}
	return m
}

// join adds the callbacks of another.
func (m *multi) join(inner *multi) {
	for _, l := range inner.listeners {
		m.listeners = append(m.listeners, &listener{callback: l.callback, hooks: l.hooks})
	}
	m.hooks |= inner.hooks
	m.identities = append(m.identities, inner.identities...)
	m.values = append(m.values, inner.values...)
}

type multi struct {
	listeners  []*listener
	hooks      Hook
	identities []identity
	values     []*listener
}

type identity struct {
	RunIdentity
	*listener
}

// Hooks returns the hooks that at least one of the callbacks wants.
func (m *multi) Hooks() Hook { return m.hooks }

// UnsampledHooks implements [Unsampled].
func (m *multi) UnsampledHooks() (h Hook) {
	for _, l := range m.listeners {
		h |= l.UnsampledHooks()
	}
	return h
}

// Unsample does so with each callback.
func (m *multi) Unsample() {
	m.hooks = 0
	for _, l := range m.listeners {
		l.Unsample()
		m.hooks |= l.hooks
	}
}

// RunIdentity implements [RunIdentity].
func (m *multi) RunIdentity(ctx context.Context) (id Identity, ok bool) {
	for _, i := range m.identities {
		i.ask("RunIdentity", func() { id, ok = i.RunIdentity.RunIdentity(ctx) })
		if ok {
			return id, true
		}
	}
	return Identity{}, false
}

// ContextValue implements [ContextValue].
func (m *multi) ContextValue(cc *CallbackContext, key any) any {
	for _, v := range m.values {
		if a := v.value(cc, key); a != nil {
			return a
		}
	}
	return nil
}

// Unguarded returns what an engine may call, instead of m, that recovers the panics of
// hooks where it recovers others, and then calls Panicked: the callback that hears some
// of these hooks alone, or m, which does not panic.
func (m *multi) Unguarded(hooks Hook) PipelineCallback {
	if l := m.only(hooks); l != nil {
		return l.callback
	}
	return m
}

// Panicked tells of a panic of an unguarded hook, as that of a listener.
func (m *multi) Panicked(h Hook, cc *CallbackContext, value any) {
	if l := m.only(h); l != nil {
		l.Panicked(h, cc, value)
	}
}

// only returns the listener that alone hears some hooks, or nil.
func (m *multi) only(hooks Hook) (only *listener) {
	for _, l := range m.listeners {
		if l.hooks&hooks == 0 {
			continue
		}
		if only != nil {
			return nil
		}
		only = l
	}
	return only
}

// guard keeps a panic of the hook of a listener away from the run and from the others.
// There are hooks of which a run has so many that one guard for all listeners counts.
func (m *multi) guard(at *int, h Hook, cc *CallbackContext) {
	if p := recover(); p != nil {
		m.listeners[*at].Panicked(h, cc, p)
		*at++
	}
}

func (m *multi) OnPipelineStart(cc *CallbackContext, ev PipelineStart) {
	for _, l := range m.listeners {
		l.OnPipelineStart(cc, ev)
	}
}

func (m *multi) OnPipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	for _, l := range m.listeners {
		l.OnPipelineEnd(cc, ev)
	}
}

func (m *multi) OnNodeStart(cc *CallbackContext, ev NodeStart) {
	for from := 0; from < len(m.listeners); {
		from = m.nodeStart(from, cc, &ev)
	}
}

func (m *multi) nodeStart(from int, cc *CallbackContext, ev *NodeStart) (next int) {
	next = from
	defer m.guard(&next, HookNodeStart, cc)
	for ; next < len(m.listeners); next++ {
		if l := m.listeners[next]; l.hooks&HookNodeStart != 0 {
			l.callback.OnNodeStart(cc, *ev)
		}
	}
	return next
}

func (m *multi) OnNodeEnd(cc *CallbackContext, ev NodeEnd) {
	for from := 0; from < len(m.listeners); {
		from = m.nodeEnd(from, cc, &ev)
	}
}

func (m *multi) nodeEnd(from int, cc *CallbackContext, ev *NodeEnd) (next int) {
	next = from
	defer m.guard(&next, HookNodeEnd, cc)
	for ; next < len(m.listeners); next++ {
		if l := m.listeners[next]; l.hooks&HookNodeEnd != 0 {
			l.callback.OnNodeEnd(cc, *ev)
		}
	}
	return next
}

func (m *multi) OnNodeCached(cc *CallbackContext, ev NodeCached) {
	for _, l := range m.listeners {
		l.OnNodeCached(cc, ev)
	}
}

func (m *multi) OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	for _, l := range m.listeners {
		l.OnNestedPipelineStart(cc, ev)
	}
}

func (m *multi) OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	for _, l := range m.listeners {
		l.OnNestedPipelineEnd(cc, ev)
	}
}

func (m *multi) OnMapStart(cc *CallbackContext, ev MapStart) {
	for _, l := range m.listeners {
		l.OnMapStart(cc, ev)
	}
}

func (m *multi) OnMapEnd(cc *CallbackContext, ev MapEnd) {
	for _, l := range m.listeners {
		l.OnMapEnd(cc, ev)
	}
}

func (m *multi) OnMapItemStart(cc *CallbackContext, ev MapItemStart) {
	for from := 0; from < len(m.listeners); {
		from = m.mapItemStart(from, cc, &ev)
	}
}

func (m *multi) mapItemStart(from int, cc *CallbackContext, ev *MapItemStart) (next int) {
	next = from
	defer m.guard(&next, HookMapItemStart, cc)
	for ; next < len(m.listeners); next++ {
		if l := m.listeners[next]; l.hooks&HookMapItemStart != 0 {
			l.callback.OnMapItemStart(cc, *ev)
		}
	}
	return next
}

func (m *multi) OnMapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	for from := 0; from < len(m.listeners); {
		from = m.mapItemEnd(from, cc, &ev)
	}
}

func (m *multi) mapItemEnd(from int, cc *CallbackContext, ev *MapItemEnd) (next int) {
	next = from
	defer m.guard(&next, HookMapItemEnd, cc)
	for ; next < len(m.listeners); next++ {
		if l := m.listeners[next]; l.hooks&HookMapItemEnd != 0 {
			l.callback.OnMapItemEnd(cc, *ev)
		}
	}
	return next
}

func (m *multi) OnMapItemCached(cc *CallbackContext, ev MapItemCached) {
	for _, l := range m.listeners {
		l.OnMapItemCached(cc, ev)
	}
}

func (m *multi) OnError(cc *CallbackContext, ev Failure) {
	for _, l := range m.listeners {
		l.OnError(cc, ev)
	}
}

func (m *multi) OnNodeRetry(cc *CallbackContext, ev NodeRetry) {
	for _, l := range m.listeners {
		l.OnNodeRetry(cc, ev)
	}
}

func (m *multi) OnNodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	for _, l := range m.listeners {
		l.OnNodeSkipped(cc, ev)
	}
}

func (m *multi) OnEmit(cc *CallbackContext, ev Emit) {
	for _, l := range m.listeners {
		l.OnEmit(cc, ev)
	}
}

func (m *multi) OnCrashed(cc *CallbackContext, ev Crashed) {
	for _, l := range m.listeners {
		l.OnCrashed(cc, ev)
	}
}

func (m *multi) OnMetric(cc *CallbackContext, ev Metric) {
	for _, l := range m.listeners {
		l.OnMetric(cc, ev)
	}
}
