package engine

import (
	"reflect"
	"sync"

	"github.com/spanloom/spanloom/cache"
)

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
	mu sync.Mutex
	m  map[flightKey]*flight
}{m: map[flightKey]*flight{}}

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
	r.leading.Store(fl, nil)
	return fl, true
}

// land ends a flight. A nil entry means that there is no result; alone says that
// others will have none to share either.
func (fl *flight) land(e *cache.Entry, alone bool) {
	if fl == nil {
		return
	}
	if fl.owner != nil {
		fl.owner.leading.Delete(fl)
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

// around reports whether r is inside a node of the run that the flight belongs
// to: who waits for itself waits for ever.
func (fl *flight) around(r *run) bool {
	for {
		b, _ := r.ctx.Value(baseKey{}).(*base)
		switch {
		case b == nil:
			return false
		case b.run == fl.owner:
			return true
		}
		r = b.run
	}
}
