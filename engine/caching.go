package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
)

// lookup is a node's way to the cache.
type lookup struct {
	store cache.Store
	key   string
	parts keyParts
	leads *flight // others wait for what this node computes
	why   string
	tier  string
	read  int // bytes of the stored result
}

// keyParts is what a key is made of. Those of the last result of each step are
// stored too, to say what is new.
type keyParts struct {
	Step, Function, Type, Version string
	Types                         string   // a digest of their structure
	Inputs                        []string // digests
}

// signature is how much of a key hooks are told.
const signature = 12

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// key returns the key of a result.
func (p *keyParts) key() string {
	data, _ := json.Marshal(p) //nolint:errchkjson // strings
	return digest(append([]byte("result "), data...))
}

// latest returns the key under which the parts of the step's last result are.
func (p *keyParts) latest() string { return digest([]byte("latest " + strconv.Quote(p.Step))) }

// look asks the cache for the result of a node.
func (g *guarded) look(w *worker) (task, bool) {
	l, reason := g.lookup()
	if reason != "" {
		g.looked = &callbacks.CacheLookup{Bypass: true, Reason: reason}
		return g.start(w)
	}
	g.caching = l
	return g.lookKey(w)
}

// lookup returns the way to the cache, or why there is none.
func (g *guarded) lookup() (*lookup, string) {
	c := g.guard.cache
	l := &lookup{store: c.store}
	if l.store == nil {
		l.store = g.frame.run.cache
	}
	if l.store == nil {
		return nil, "there is no cache: engine.Config.Cache is not set"
	}
	l.tier = tierOf(l.store)
	st := g.op.step
	l.parts = keyParts{Step: st.info.Name, Function: st.info.Source().Function, Type: st.info.Signature, Version: strconv.QuoteToASCII(c.version)}
	l.parts.Types = st.structure()
	if p := formOf(st.out.typ()).problem; p != "" {
		return nil, "the result cannot be kept: " + p
	}
	for i, in := range g.encodedInputs() {
		if in.err != nil {
			return nil, fmt.Sprintf("input %d cannot be part of a key: %v", i+1, in.err)
		}
		l.parts.Inputs = append(l.parts.Inputs, in.digest)
	}
	l.key = l.parts.key()
	return l, ""
}

// input returns an input as it is.
func (g *guarded) input(i int) any {
	if g.mapping != nil {
		return g.mapping.in(g.index, i)
	}
	s := g.op.in[i]
	return g.frame.columns[s.column].at(s.row)
}

// output returns the result as it is.
func (g *guarded) output() any {
	if g.mapping != nil {
		return g.mapping.out(g.index)
	}
	return g.frame.columns[g.op.out.column].at(g.op.out.row)
}

// give stores an encoded result as that of the node.
func (g *guarded) give(data []byte) error {
	if g.mapping != nil {
		return g.mapping.decode(g.index, data)
	}
	return g.frame.columns[g.op.out.column].decode(g.op.out.row, data)
}

// lookKey looks for a result, unless another node is doing so for the same key:
// then it waits for that.
func (g *guarded) lookKey(w *worker) (task, bool) {
	l := g.caching
	fl, leads := board(w.run, l)
	switch {
	case leads:
		l.leads = fl
	case !fl.join(w.run):
		return g.alone(w, "who computes the same waits for this run")
	default:
		g.deferred = true
		fl.wait(w.run.suspend(g.frame.domain, func(w *worker) task {
			fl.leave(w.run)
			t, _ := g.landed(w, fl)
			return t
		}))
		return task{}, false
	}
	e, ok := l.get(g.cc)
	if ok && g.give(e.Value) == nil {
		l.read = len(e.Value)
		l.leads.land(&e, false)
		return g.cached(w, e, "cache"), true
	}
	if d := g.frame.domain; d.ctx.Err() != nil { // the store may have waited for that
		d.haltEnded()
		l.leads.land(nil, false)
		return g.cut(w), true
	}
	if ok {
		l.why = "the stored result does not fit the result's type"
	}
	g.looked = &callbacks.CacheLookup{Signature: l.key[:signature], Reason: l.why, Tier: l.tier}
	if l.why == "" && g.frame.wants(callbacks.HookNodeStart|callbacks.HookNodeEnd|callbacks.HookMapItemStart|callbacks.HookMapItemEnd) {
		g.looked.Reason = l.news(g.cc)
	}
	return g.start(w)
}

// landed goes on after another node with the same key.
func (g *guarded) landed(w *worker, fl *flight) (task, bool) {
	e, alone := fl.result()
	switch {
	case g.frame.interrupted():
		return g.cut(w), true
	case e != nil && g.give(e.Value) == nil:
		return g.cached(w, *e, "cache"), true
	case alone:
		return g.alone(w, "a step with the same key had no result to share")
	default:
		return g.lookKey(w)
	}
}

// alone runs a node without waiting for others, or letting them wait.
func (g *guarded) alone(w *worker, reason string) (task, bool) {
	g.looked = &callbacks.CacheLookup{Signature: g.caching.key[:signature], Reason: reason, Tier: g.caching.tier}
	return g.start(w)
}

// cut ends a node that has not begun.
func (g *guarded) cut(w *worker) task {
	if g.mapping == nil {
		g.frame.pass(g.op)
		g.frame.cut[g.op.scope].Store(true)
		return w.next(g.frame, g.id)
	}
	w.tally.ended++
	w.tally.passed++
	return g.ended(w)
}

// cached ends a node whose result was there.
func (g *guarded) cached(w *worker, e cache.Entry, reason string) task {
	f := g.frame
	sig, tier, size := "", "", 0
	if l := g.caching; l != nil {
		sig, tier, size = l.key[:signature], l.tier, l.read
		g.keepCached(w, e)
	}
	if g.mapping == nil {
		f.totals[g.op.scope].cached.Add(1)
		if f.wants(callbacks.HookNodeCached) {
			f.ears.callback.OnNodeCached(g.cc, callbacks.NodeCached{
				Signature: sig, Saved: e.Cost, Reason: reason, TraceID: e.TraceID, SpanID: e.SpanID, Outputs: f.outputs(g.id), Tier: tier, Size: size,
			})
		}
		return w.next(f, g.id)
	}
	w.tally.ended++
	g.mapping.cached.Add(1)
	if f.wants(callbacks.HookMapItemCached) {
		f.ears.callback.OnMapItemCached(g.cc, callbacks.MapItemCached{
			Signature: sig, Saved: e.Cost, Reason: reason, TraceID: e.TraceID, SpanID: e.SpanID, Outputs: g.mapping.outputs(g.index), Tier: tier, Size: size,
			Label: g.mapping.labelOf(g.index),
		})
	}
	return g.ended(w)
}

// finish stores the result of a node that ran.
func (l *lookup) finish(g *guarded, err error) {
	var e *cache.Entry
	if err == nil {
		if data, err := encodeValue(g.output(), g.op.step.out.typ()); err == nil {
			e = &cache.Entry{Value: data, Cost: g.took, Created: time.Now()}
			if g.spanned() {
				e.TraceID, e.SpanID = g.cc.TraceID(), g.cc.SpanID()
			}
			if l.put(g.cc, l.key, *e) {
				g.looked.Stored = len(data)
			}
			latest := l.parts.latest()
			// One of a map's items is enough to compare with.
			if _, known := g.frame.run.shared().compared.LoadOrStore(latest, true); !known || g.mapping == nil {
				l.put(g.cc, latest, l.parts.entry())
			}
		}
	}
	l.leads.land(e, e == nil && g.frame.domain.ctx.Err() == nil)
}

func (p *keyParts) entry() cache.Entry {
	data, _ := json.Marshal(p) //nolint:errchkjson // strings
	return cache.Entry{Value: data, Created: time.Now()}
}

// get asks the store; whatever goes wrong is a miss.
func (l *lookup) get(ctx context.Context) (e cache.Entry, ok bool) {
	err := protect(func() (err error) {
		e, ok, err = l.store.Get(ctx, l.key)
		return err
	})
	switch {
	case errors.Is(err, cache.ErrCorrupt):
		l.why = "the stored result was damaged"
	case err != nil:
		l.why = "the cache failed: " + sound(err).Error()
	}
	return e, ok && err == nil
}

// put gives something to the store. That it fails costs a miss later.
func (l *lookup) put(ctx context.Context, key string, e cache.Entry) bool {
	return protect(func() error { return l.store.Put(ctx, key, e) }) == nil
}

// tierOf returns what a store says of itself.
func tierOf(s cache.Store) (tier string) {
	t, ok := s.(cache.Tiered)
	if !ok || protect(func() error { tier = t.Tier(); return nil }) != nil {
		return ""
	}
	return tier
}

// news says what is new in the key, compared with the step's last result.
func (l *lookup) news(ctx context.Context) string {
	var last keyParts
	var e cache.Entry
	ok := false
	err := protect(func() (err error) {
		e, ok, err = l.store.Get(ctx, l.parts.latest())
		return err
	})
	switch {
	case err != nil || !ok || json.Unmarshal(e.Value, &last) != nil:
		return "there is no result of this step yet"
	case last.Version != l.parts.Version:
		return fmt.Sprintf("the version is %s, it was %s", l.parts.Version, last.Version)
	case last.Function != l.parts.Function:
		return fmt.Sprintf("the function is %s, it was %s", l.parts.Function, last.Function)
	case last.Type != l.parts.Type || len(last.Inputs) != len(l.parts.Inputs):
		return fmt.Sprintf("the type is %s, it was %s", l.parts.Type, last.Type)
	case last.Types != l.parts.Types:
		return "the structure of its types is another"
	}
	for i, d := range l.parts.Inputs {
		if d != last.Inputs[i] {
			return fmt.Sprintf("input %d is new", i+1)
		}
	}
	return "the result is no longer stored"
}
