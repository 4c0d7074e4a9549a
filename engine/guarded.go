package engine

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// guarded is a node or a map item with retries, a timeout or a cache, or in a
// run that is kept, while it runs:
//
//	kept by the run? ── cached? ── attempts ── store ── end
type guarded struct {
	frame *frame
	id    int32
	op    *op
	guard *guard // nil: only kept
	cc    *callbacks.CallbackContext

	mapping *mapping // of an item
	index   int

	inputs   []encoded // once they were asked for
	attempt  int
	began    time.Time // this attempt
	took     time.Duration
	caching  *lookup // nil: no cache
	looked   *callbacks.CacheLookup
	deferred bool // it was suspended: its item is on its own
}

// guard runs a node. An empty task and a suspended node are the same to the
// worker.
func (w *worker) guard(g *guarded) task {
	t, _ := g.begin(w)
	return t
}

// guardedItem runs an item and reports whether it has ended.
func (w *worker) guardedItem(m *mapping, i int, cc *callbacks.CallbackContext) bool {
	g := &guarded{frame: m.frame, id: m.id, op: m.op, guard: m.op.guard, cc: cc, mapping: m, index: i}
	_, ended := g.begin(w)
	return ended
}

// begin looks for a result that is there already, and runs the code if there is
// none. It returns the next task, if the node has ended.
func (g *guarded) begin(w *worker) (task, bool) {
	if w.run.log != nil {
		g.encodedInputs() // now: the code may change them
	}
	if t, ok := g.replay(w); ok {
		return t, true
	}
	if g.guard == nil || g.guard.cache == nil {
		return g.start(w)
	}
	return g.look(w)
}

// start begins the first attempt.
func (g *guarded) start(w *worker) (task, bool) {
	f := g.frame
	w.run.log.begun(f, g.cc, g.ending())
	switch {
	case g.mapping == nil && f.wants(callbacks.HookNodeStart):
		f.ears.callback.OnNodeStart(g.cc, callbacks.NodeStart{Inputs: f.inputs(g.id), Cache: g.looked})
	case g.mapping != nil && f.wants(callbacks.HookMapItemStart):
		f.ears.callback.OnMapItemStart(g.cc, callbacks.MapItemStart{
			Inputs: g.mapping.inputs(g.index), Label: g.mapping.labelOf(g.index), Cache: g.looked,
		})
	}
	g.attempt = 1
	return g.try(w)
}

// try runs attempts until one succeeds, no more are allowed, or one must wait.
func (g *guarded) try(w *worker) (task, bool) {
	for {
		g.began = time.Now()
		err := g.run(w)
		delay, again, err := g.after(w, err)
		switch {
		case !again:
			return g.end(w, err), true
		case delay > 0:
			g.wait(w, delay)
			return task{}, false
		}
		g.attempt++
	}
}

// resume implements resumer: an attempt ended its goroutine.
func (g *guarded) resume(w *worker, err error) task {
	g.deferred = true
	delay, again, err := g.after(w, err)
	if again {
		g.wait(w, delay)
		return task{}
	}
	return g.end(w, err)
}

// wait suspends the node until its next attempt.
func (g *guarded) wait(w *worker, delay time.Duration) {
	g.deferred = true
	w.run.suspendFor(delay, g.frame.domain, func(w *worker) task {
		if g.frame.interrupted() {
			return g.end(w, g.frame.domain.cause())
		}
		g.attempt++
		t, _ := g.try(w)
		return t
	})
}

// after keeps what became of an attempt and says whether and when another
// follows, or else with which error the node ends. One that would be tried again
// if its work were still wanted is cancelled, as it would be while it waits.
func (g *guarded) after(w *worker, err error) (time.Duration, bool, error) {
	g.took = time.Since(g.began)
	g.keep(w, err)
	if err == nil || g.guard == nil || g.guard.retry == nil {
		return 0, false, err
	}
	again, err := g.retryable(w, err)
	switch d := g.frame.domain; {
	case !again:
		return 0, false, err
	case d.ctx.Err() != nil:
		return 0, false, interrupted(d.cause(), err)
	}
	delay := g.guard.retry.delay(g.attempt)
	if g.frame.wants(callbacks.HookNodeRetry) {
		ev := callbacks.NodeRetry{Attempt: g.attempt, Delay: delay, Err: err}
		if w.run.times {
			ev.Start, ev.Duration = g.began.Sub(g.cc.Start()), g.took
		}
		g.frame.ears.callback.OnNodeRetry(g.cc, ev)
	}
	return delay, true, nil
}

// undecided is a node whose predicate ended the goroutine that asked it.
type undecided struct {
	*guarded

	err error
}

// resume implements resumer: the node is not tried again.
func (u *undecided) resume(w *worker, _ error) task {
	u.deferred = true
	return u.end(w, u.err)
}

// interrupted is the error of a node that was to be tried again.
func interrupted(cause, last error) error {
	if is(last, cause) {
		return last
	}
	return fmt.Errorf("%w; the last attempt: %w", cause, last)
}

// retryable reports whether another attempt follows one that failed with err.
func (g *guarded) retryable(w *worker, err error) (bool, error) {
	r := g.guard.retry
	if g.attempt >= r.Attempts {
		return false, err
	}
	if _, gate := err.(*stopError); gate { //nolint:errorlint // the engine's own, never wrapped
		return false, err
	}
	err = sound(err)
	if g.frame.domain.result(err) == callbacks.ResultCancellation {
		return false, err
	}
	if r.Retryable == nil {
		_, panicked := err.(*PanicError)          //nolint:errorlint // that of this attempt
		return !panicked && err != errGoexit, err //nolint:errorlint // as above
	}
	again := false
	if w.code(g.cc, &undecided{g, err}, func(context.Context) error { again = r.Retryable(err); return nil }) != nil {
		again = false
	}
	return again, err
}

// end ends the node or item.
func (g *guarded) end(w *worker, err error) task {
	if g.caching != nil {
		g.caching.finish(g, err)
	}
	if g.mapping != nil {
		w.endItem(g.mapping, g.index, g.cc, err, g.attempt, g.looked)
	} else {
		w.endNode(g.frame, g.id, g.cc, err, g.attempt, g.looked)
	}
	if err != nil { // or else its record says that it has ended
		w.run.log.done(g.frame, g.cc, g.ending())
	}
	if g.mapping == nil {
		return w.next(g.frame, g.id)
	}
	return g.ended(w)
}

// ended goes on after an item: one that was suspended has left the worker that
// ran it.
func (g *guarded) ended(w *worker) task {
	if !g.deferred {
		return task{}
	}
	return w.items(g.mapping, g.mapping.again(w.run))
}

// run runs one attempt.
func (g *guarded) run(w *worker) error {
	if g.guard != nil && g.guard.timeout > 0 {
		return g.runTimed(w)
	}
	cc := g.cc
	if g.attempt > 1 {
		cc = g.attemptContext(w)
	}
	return w.code(cc, g, func(ctx context.Context) error {
		if g.mapping != nil {
			return g.mapping.call(ctx, g.index)
		}
		return g.op.call(ctx, g.frame, g.op)
	})
}

// spanned reports whether the node has a span, as far as that is known: someone
// hears of its end, and the run is sampled. Ids are made for no other.
func (g *guarded) spanned() bool {
	return g.frame.wants(g.ending()) && isSampled(g.cc)
}

// ending is the hook that tells of the end.
func (g *guarded) ending() callbacks.Hook {
	if g.mapping != nil {
		return callbacks.HookMapItemEnd
	}
	return callbacks.HookNodeEnd
}

func (g *guarded) attemptContext(w *worker) *callbacks.CallbackContext {
	cc := w.context()
	s := callbacks.Scope{Kind: callbacks.KindAttempt, Node: g.op.info, Index: int32(g.cc.Index()), Attempt: uint16(g.attempt)}
	if w.run.times {
		s.Start = w.clock()
	}
	g.cc.Begin(cc, s)
	return cc
}

// abandoned counts functions that run though their time is over.
var abandoned atomic.Int64

// Abandoned returns how many functions of nodes, in the whole program, still run
// though their timeout has passed: they ignored their context.
func Abandoned() int { return int(abandoned.Load()) }

// grace is how long a function may take to return once its context has ended,
// before it counts as one that ignores it.
const grace = 10 * time.Millisecond

// runTimed runs one attempt on a goroutine of its own.
func (g *guarded) runTimed(w *worker) error {
	d := g.frame.domain
	limit := g.guard.timeout
	limit = min(limit, math.MaxInt64-grace)
	ctx, cancel := context.WithTimeoutCause(&d.ctx, limit, &timeoutError{after: limit})
	defer cancel()
	cc := g.attemptContext(w)
	cc.Override(callbacks.Override{Base: &base{ctx, w.run, g.frame.ears}})
	code := g.apart()
	type result struct {
		keep func()
		err  error
	}
	var state atomic.Int32 // 1: returned, 2: abandoned
	returned := make(chan result, 1)
	go func() {
		res := result{err: errGoexit}
		defer func() {
			if !state.CompareAndSwap(0, 1) {
				abandoned.Add(-1)
			}
			returned <- res
		}()
		err := protect(func() (err error) {
			res.keep, err = code(cc)
			return err
		})
		res.err = err
	}()
	deadline := time.NewTimer(limit + grace)
	defer deadline.Stop()
	var res result
	select {
	case res = <-returned:
	case <-deadline.C:
		abandoned.Add(1)
		if state.CompareAndSwap(0, 2) {
			return &timeoutError{after: limit}
		}
		abandoned.Add(-1)
		res = <-returned
	}
	if res.err == nil {
		res.keep()
		return nil
	}
	return late(ctx, d, res.err, limit)
}

// late returns err, as a timeout if it comes of the deadline of ctx.
func late(ctx context.Context, d *domain, err error, limit time.Duration) error {
	if ctx.Err() == nil || d.ctx.Err() != nil || !is(sound(err), context.DeadlineExceeded) {
		return err
	}
	return &timeoutError{limit, err}
}

// apart returns the code of an attempt in such a way that it touches nothing of
// the run after it was abandoned: with its inputs taken, and its result kept by
// the caller.
func (g *guarded) apart() func(context.Context) (keep func(), err error) {
	if g.mapping != nil {
		return func(ctx context.Context) (func(), error) { return g.mapping.apart(ctx, g.index) }
	}
	f, p := g.frame, g.frame.plan
	alone := &frame{columns: make([]anyColumn, g.op.inputs+1)}
	o := &op{inputs: g.op.inputs}
	for i := range g.op.inputs {
		s := g.op.in[i]
		o.in[i] = slot{int32(i), 0}
		alone.columns[i] = p.columns[s.column].kind.make(1)
		f.move(s, alone, o.in[i])
	}
	o.out = slot{int32(g.op.inputs), 0}
	kind := p.columns[g.op.out.column].kind
	alone.columns[g.op.inputs] = kind.make(1)
	return func(ctx context.Context) (func(), error) {
		err := g.op.call(ctx, alone, o)
		return func() { kind.move(f, g.op.out, alone, o.out) }, err
	}
}
