package engine

import (
	"context"
	"slices"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// ears are the callbacks that hear a part of a run.
type ears struct {
	list     []callbacks.PipelineCallback
	callback callbacks.PipelineCallback
	hooks    callbacks.Hook
	values   []callbacks.ContextValue
	border   *ears // who hears nested pipelines that begin here: these, and those around

	// direct is callback, or the only one that it guards and that hears nodes and
	// items: then guard is not nil, and who calls direct must recover what it panics
	// with.
	direct callbacks.PipelineCallback
	guard  guardian
}

// guardian is what tells of the panics of a callback.
type guardian interface {
	Unguarded(hooks callbacks.Hook) callbacks.PipelineCallback
	Panicked(h callbacks.Hook, cc *callbacks.CallbackContext, value any)
}

// wants reports whether someone hears h.
func (f *frame) wants(h callbacks.Hook) bool { return f.ears.hooks&h != 0 }

// quiet reports whether nobody hears the frame, or wants to know of it later.
func (f *frame) quiet() bool { return f.ears.hooks == 0 && !f.run.times && f.run.log == nil }

func newEars(list []callbacks.PipelineCallback) *ears {
	e := &ears{list: list}
	if len(list) == 0 {
		return e
	}
	all := callbacks.Multi(list...)
	e.callback = all
	e.ask()
	if v, ok := all.(callbacks.ContextValue); ok {
		e.values = append(e.values, v)
	}
	return e
}

// ask asks what the callbacks want to hear.
func (e *ears) ask() {
	e.hooks, e.direct = callbacks.Interest(e.callback), e.callback
	if g, ok := e.callback.(guardian); ok {
		e.direct, e.guard = g.Unguarded(callbacks.HookNodeStart|callbacks.HookNodeEnd|callbacks.HookMapItemStart|callbacks.HookMapItemEnd), g
	}
}

// unsample has the callbacks hear what they want of a run that is not sampled.
func (e *ears) unsample() {
	if u, ok := e.callback.(interface{ Unsample() }); ok {
		u.Unsample()
		e.ask()
	}
}

// recovered tells of the panic of a hook. It reports whether there was one: a
// nil value means that the goroutine is being ended.
func (e *ears) recovered(h callbacks.Hook, cc *callbacks.CallbackContext, value any) bool {
	if value == nil {
		return false
	}
	e.guard.Panicked(h, cc, value)
	return true
}

var noEars = func() *ears { e := &ears{values: []callbacks.ContextValue{}}; e.border = e; return e }()

// listen asks the callbacks what they want and know.
func (r *run) listen(ctx context.Context, p *plan, list []callbacks.PipelineCallback, root *callbacks.RunConfig) {
	e := noEars
	if len(list) > 0 {
		e = newEars(list)
		e.border = e
	}
	r.ears = append(r.ears, e)
	hooks := e.hooks
	for _, h := range p.hearing {
		e := hear(r.ears[h.of], h.said)
		r.ears = append(r.ears, e)
		hooks |= e.hooks
	}
	r.heard = hooks != 0
	if hooks&callbacks.Times != 0 {
		r.times = true
		r.epoch = time.Now()
		root.Epoch = r.epoch
	}
	if id, ok := r.ears[0].callback.(callbacks.RunIdentity); ok {
		root.Identity, _ = id.RunIdentity(ctx)
	}
}

// sampled is the W3C trace flag.
const sampled = 1

// decide has the callbacks hear what they want of a run that is not sampled, if
// that is so. Who is asked nothing of it hears nothing.
func (r *run) decide(root *callbacks.RunConfig) {
	if root.Identity.TraceID == (callbacks.TraceID{}) || root.Identity.Flags&sampled != 0 {
		return
	}
	hooks := callbacks.Hook(0)
	for _, e := range r.ears {
		e.unsample()
		if e.border != e {
			e.border.unsample()
		}
		hooks |= e.hooks
	}
	r.heard = hooks != 0
	if hooks&callbacks.Times == 0 && r.times {
		r.times, root.Epoch = false, time.Time{}
	}
}

// hear returns the ears that become of others.
func hear(around *ears, said listening) *ears {
	var list []callbacks.PipelineCallback
	for _, cb := range around.list {
		if !said.replace || pinned(cb) {
			list = append(list, cb)
		}
	}
	list = append(list, said.list...)
	e := newEars(list)
	if e.values == nil {
		e.values = []callbacks.ContextValue{} // none, rather than those around
	}
	e.border = e
	if said.replace {
		e.border = newEars(slices.Concat(around.list, said.list))
	}
	return e
}

// pinned reports whether a callback stays when a step replaces callbacks.
func pinned(cb callbacks.PipelineCallback) bool {
	p, ok := cb.(callbacks.Pinned)
	stays := false
	return ok && protect(func() error { stays = p.Pinned(); return nil }) == nil && stays
}

// base is the base context of a run, or of a part of it: the one that ends with
// it, which also knows whom the code inside can tell something.
type base struct {
	context.Context //nolint:containedctx // it is one itself
	run             *run
	ears            *ears
}

type baseKey struct{}

// Value implements context.Context.
func (b *base) Value(key any) any {
	if key == (baseKey{}) {
		return b
	}
	return b.Context.Value(key)
}
