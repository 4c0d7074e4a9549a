// Package running knows which scopes of runs have begun and not ended, and when it
// is time to say so.
package running

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// Round is the time between two calls of Due.
	Round = 5 * time.Second
	// First is how many rounds a scope runs before it is due for the first time. It is
	// due again after four times as many, each time.
	First = 6
	// Most is how often the scopes of one run are due, its root aside.
	Most = 100

	// maxRuns and maxOpen bound the memory where Ends are lost.
	maxRuns = 4096
	maxOpen = 100_000
)

// Tracker follows scopes. The zero Tracker is ready; all methods may be called
// concurrently. It counts rounds, as to look at the clock for each scope takes time,
// and that of another machine may be another.
type Tracker struct {
	round atomic.Int64

	mu   sync.RWMutex
	runs map[key]*run
}

// key is a start of a run.
type key struct {
	trace callbacks.TraceID
	root  callbacks.SpanID
}

type run struct {
	mu   sync.Mutex
	open map[callbacks.SpanID]scope
	left int // how often its scopes may be due yet
}

type scope struct {
	cc    *callbacks.CallbackContext
	began int64 // round
	due   int
}

func keyOf(cc *callbacks.CallbackContext) key {
	return key{cc.TraceID(), cc.Root().SpanID()}
}

// Begin notes that a scope has begun. Scopes whose run was not begun are not
// followed.
func (t *Tracker) Begin(cc *callbacks.CallbackContext) {
	r := t.run(cc)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) < maxOpen {
		r.open[cc.SpanID()] = scope{cc: cc, began: t.round.Load()}
	}
}

// run returns the run of a scope that begins.
func (t *Tracker) run(cc *callbacks.CallbackContext) *run {
	k := keyOf(cc)
	t.mu.RLock()
	r := t.runs[k]
	t.mu.RUnlock()
	if r != nil || !isRoot(cc) {
		return r
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.runs == nil {
		t.runs = map[key]*run{}
	}
	if len(t.runs) >= maxRuns {
		for old := range t.runs { // whichever: it is not known what was lost
			delete(t.runs, old)
			break
		}
	}
	r = &run{open: map[callbacks.SpanID]scope{}, left: Most}
	t.runs[k] = r
	return r
}

func isRoot(cc *callbacks.CallbackContext) bool { return cc.Parent() == nil }

// End notes that a scope has ended, and with a root all that is inside.
func (t *Tracker) End(cc *callbacks.CallbackContext) {
	k := keyOf(cc)
	if isRoot(cc) {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.runs, k)
		return
	}
	t.mu.RLock()
	r := t.runs[k]
	t.mu.RUnlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, cc.SpanID())
}

// Due ends a round. It returns the scopes that have run so long that it is time to say
// so, those that began first before others: roots, and scopes inside of which nothing
// else runs.
func (t *Tracker) Due() (list []*callbacks.CallbackContext) {
	round := t.round.Add(1)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.runs {
		list = r.due(list, round)
	}
	slices.SortFunc(list, func(a, b *callbacks.CallbackContext) int {
		return cmp.Or(a.Start().Compare(b.Start()), cmp.Compare(a.Depth(), b.Depth()), cmp.Compare(a.Path(), b.Path()))
	})
	return list
}

func (r *run) due(list []*callbacks.CallbackContext, round int64) []*callbacks.CallbackContext {
	r.mu.Lock()
	defer r.mu.Unlock()
	var around map[callbacks.SpanID]bool
	for id, s := range r.open {
		ran := round - s.began
		if ran < First<<(2*s.due) || r.left == 0 && !isRoot(s.cc) {
			continue
		}
		if around == nil {
			around = r.around()
		}
		if !isRoot(s.cc) && around[id] {
			continue
		}
		for ran >= First<<(2*s.due) {
			s.due++
		}
		r.open[id] = s
		if !isRoot(s.cc) {
			r.left--
		}
		list = append(list, s.cc)
	}
	return list
}

// around returns the scopes in which others run.
func (r *run) around() map[callbacks.SpanID]bool {
	m := make(map[callbacks.SpanID]bool, len(r.open))
	for _, s := range r.open {
		m[s.cc.ParentSpanID()] = true
	}
	return m
}
