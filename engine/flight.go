package engine

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spanloom/spanloom/cache"
)

// sharing is what a run knows of the results that it shares with others, and what
// else few runs need.
type sharing struct {
	aroundOnce sync.Once
	around     []*run   // in whose nodes the run was started
	leading    sync.Map // flights that its nodes have to land
	compared   sync.Map // keys of what a miss is compared with, that were stored

	refused atomic.Bool // a metric, and it was logged
}

func (r *run) shared() *sharing {
	if s := r.sharing.Load(); s != nil {
		return s
	}
	r.sharing.CompareAndSwap(nil, &sharing{})
	return r.sharing.Load()
}

// landAll ends the flights of nodes that a hook has ended.
func (r *run) landAll() {
	if s := r.sharing.Load(); s != nil {
		s.leading.Range(func(fl, _ any) bool {
			fl.(*flight).land(nil, false) //nolint:forcetypeassert // nothing else is stored
			return true
		})
	}
}

// flight is a result that a node computes while others wait for it.
type flight struct {
	at flightKey

	owner *run

	mu      sync.Mutex
	landed  bool
	alone   bool // those who waited should not wait for each other
	entry   *cache.Entry
	waiting []func()
}

type flightKey struct {
	store cache.Store
	key   string
}

// flights are those of the whole program: runs may share a store.
var flights = struct {
	mu    sync.Mutex
	m     map[flightKey]*flight
	waits map[*run]map[*flight]int // who waits for what, and how often
}{m: map[flightKey]*flight{}, waits: map[*run]map[*flight]int{}}

// board returns the flight for a key and reports whether it is new, so that the
// caller must land it.
func board(r *run, l *lookup) (fl *flight, leads bool) {
	if !reflect.ValueOf(l.store).Comparable() {
		return &flight{}, true
	}
	at := flightKey{l.store, l.key}
	flights.mu.Lock()
	defer flights.mu.Unlock()
	if fl := flights.m[at]; fl != nil {
		return fl, false
	}
	fl = &flight{at: at, owner: r}
	flights.m[at] = fl
	r.shared().leading.Store(fl, nil)
	return fl, true
}

// land ends a flight. A nil entry means that there is no result; alone says that
// others will have none to share either.
func (fl *flight) land(e *cache.Entry, alone bool) {
	if fl == nil {
		return
	}
	if fl.owner != nil {
		fl.owner.shared().leading.Delete(fl)
	}
	flights.mu.Lock()
	if fl.at.store != nil {
		delete(flights.m, fl.at)
	}
	flights.mu.Unlock()
	fl.mu.Lock()
	fl.landed, fl.alone, fl.entry = true, alone, e
	waiting := fl.waiting
	fl.waiting = nil
	fl.mu.Unlock()
	for _, awake := range waiting {
		awake()
	}
}

// wait calls awake when the flight has landed.
func (fl *flight) wait(awake func()) {
	fl.mu.Lock()
	landed := fl.landed
	if !landed {
		fl.waiting = append(fl.waiting, awake)
	}
	fl.mu.Unlock()
	if landed {
		awake()
	}
}

// result returns what the flight brought, or nil and whether who waited for it
// should go on alone.
func (fl *flight) result() (e *cache.Entry, alone bool) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.entry, fl.alone
}

// join reports whether a node of r may wait for the flight, and notes that it
// does. It may not if the flight would have to wait for it in turn: a node that
// others wait for may itself have started a run that waits.
func (fl *flight) join(r *run) bool {
	r.enclosing()
	flights.mu.Lock()
	defer flights.mu.Unlock()
	if fl.waitsFor(r, map[*flight]bool{}) {
		return false
	}
	if flights.waits[r] == nil {
		flights.waits[r] = map[*flight]int{}
	}
	flights.waits[r][fl]++
	return true
}

// leave undoes join.
func (fl *flight) leave(r *run) {
	flights.mu.Lock()
	defer flights.mu.Unlock()
	if flights.waits[r][fl]--; flights.waits[r][fl] == 0 {
		delete(flights.waits[r], fl)
	}
	if len(flights.waits[r]) == 0 {
		delete(flights.waits, r)
	}
}

// waitsFor reports whether the flight belongs to a run around r, or to one in
// which another run waits for such a flight.
func (fl *flight) waitsFor(r *run, seen map[*flight]bool) bool {
	if slices.Contains(r.enclosing(), fl.owner) {
		return true
	}
	seen[fl] = true
	for other, list := range flights.waits {
		if !slices.Contains(other.enclosing(), fl.owner) {
			continue
		}
		for next := range list {
			if !seen[next] && next.waitsFor(r, seen) {
				return true
			}
		}
	}
	return false
}

// enclosing returns the runs in whose nodes r was started.
func (r *run) enclosing() []*run {
	s := r.shared()
	s.aroundOnce.Do(func() {
		for at := r; ; {
			b, _ := at.ctx.Value(baseKey{}).(*base)
			if b == nil {
				return
			}
			at = b.run
			s.around = append(s.around, at)
		}
	})
	return s.around
}
