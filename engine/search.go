package engine

import (
	"runtime"
	"time"
)

// searches is how often a worker looks for work before it gives up; the later
// looks let other goroutines run between them.
const searches = 64

// search looks for work that other workers left. The worker counts as searching
// already. False means that there is none, and that the next who leaves some
// will start a worker.
func (w *worker) search() (task, bool) {
	r := w.run
	for {
		looks := searches
		if r.searching.Load() > r.processors.Load() {
			looks = 1 // enough others keep looking
		}
		for i := range looks {
			if r.finished.Load() {
				break
			}
			if t, ok := w.look(); ok {
				return t, true
			}
			if i > searches/2 {
				runtime.Gosched()
			}
		}
		others := r.searching.Add(-1)
		if !r.hasWork() || others >= r.processors.Load() {
			return task{}, false // those others look once more before they give up
		}
		runtime.Gosched() // who has work may need the processor to leave it
		r.searching.Add(1)
	}
}

// look takes work that other workers left, and ends the search when it finds
// some.
func (w *worker) look() (task, bool) {
	r := w.run
	if goOn := r.awakened(); goOn != nil {
		r.found()
		return goOn(w), true
	}
	if r.filled.Load() > 0 {
		for other := r.workers.Load(); other != nil; other = other.older {
			if other == w {
				continue
			}
			if t := other.queue.steal(&w.queue); t.frame != nil {
				r.found()
				return t, true
			}
		}
	}
	if m := r.openMap(); m != nil {
		r.found()
		return w.help(m), true
	}
	return task{}, false
}

// found ends a search; if there is more work, another worker searches on.
func (r *run) found() {
	r.searching.Add(-1)
	if r.hasWork() {
		r.wake()
	}
}

// hasWork reports whether there is work that no worker has begun.
func (r *run) hasWork() bool {
	return r.filled.Load() > 0 || r.openMaps.Load() > 0 || r.awakeAt.Load() > 0
}

// wake starts a worker, unless one is searching already or the limit is reached.
// Whoever ends a search, or makes room below the limit, looks for work that was
// left meanwhile and calls wake for it.
func (r *run) wake() {
	for r.active.Load() < r.limit && r.searching.CompareAndSwap(0, 1) {
		if r.enlist() {
			r.processors.Store(int32(runtime.GOMAXPROCS(0)))
			w, parked := r.worker(r)
			w.woken = time.Time{}
			if r.active.Load() > r.processors.Load() {
				w.woken = time.Now()
			}
			if parked {
				w.call <- true
			} else {
				go w.searchOn()
			}
			return
		}
		r.searching.Add(-1) // others may have counted on this search: look again
	}
}

// enlist counts one more active worker, if the limit allows.
func (r *run) enlist() bool {
	for {
		n := r.active.Load()
		if n >= r.limit {
			return false
		}
		if r.active.CompareAndSwap(n, n+1) {
			r.gone.Add(1)
			return true
		}
	}
}

// dismiss ends what enlist began. It comes last: work that was left while the
// limit was reached has a worker again.
func (r *run) dismiss() {
	r.active.Add(-1)
	if r.hasWork() && !r.retrying.Load() && !r.finished.Load() {
		r.wake()
	}
	r.gone.Done()
}

// offerMap lets other workers help with m.
func (r *run) offerMap(m *mapping) {
	r.mapMu.Lock()
	r.maps = append(r.maps, m)
	r.openMaps.Store(int32(len(r.maps)))
	r.mapMu.Unlock()
	r.wake()
}

// closeMap is called when the last item of m is claimed.
func (r *run) closeMap(m *mapping) {
	r.mapMu.Lock()
	for i := range r.maps {
		if r.maps[i] == m {
			last := len(r.maps) - 1
			r.maps[i] = r.maps[last]
			r.maps[last] = nil
			r.maps = r.maps[:last]
			break
		}
	}
	r.openMaps.Store(int32(len(r.maps)))
	r.mapMu.Unlock()
}

// openMap returns a map with items to claim, or nil.
func (r *run) openMap() *mapping {
	if r.openMaps.Load() == 0 {
		return nil
	}
	r.mapMu.Lock()
	defer r.mapMu.Unlock()
	if n := len(r.maps); n > 0 {
		return r.maps[n-1]
	}
	return nil
}
