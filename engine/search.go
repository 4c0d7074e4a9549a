package engine

import "runtime"

// searches is how often a worker looks for work before it gives up; the later
// looks let other goroutines run between them.
const searches = 64

// search looks for work that other workers left. The worker counts as searching
// already. False means that there is none, and that the next who leaves some
// will start a worker.
func (w *worker) search() (task, bool) {
	r := w.run
	for {
		for i := range searches {
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
		r.searching.Add(-1)
		if !r.hasWork() {
			return task{}, false
		}
		r.searching.Add(1)
	}
}

// look takes work that other workers left, and ends the search when it finds
// some.
func (w *worker) look() (task, bool) {
	r := w.run
	for _, other := range r.workers[:r.count.Load()] {
		if t := other.queue.steal(&w.queue); t.frame != nil {
			r.found()
			return t, true
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
	if r.openMaps.Load() > 0 {
		return true
	}
	for _, w := range r.workers[:r.count.Load()] {
		if w.queue.size.Load() > 0 {
			return true
		}
	}
	return false
}

// wake starts a worker, unless one is searching already or the limit is reached.
func (r *run) wake() {
	if r.searching.Load() != 0 || r.active.Load() >= r.limit || !r.searching.CompareAndSwap(0, 1) {
		return
	}
	if r.active.Add(1) > r.limit {
		r.active.Add(-1)
		r.searching.Add(-1)
		return
	}
	r.gone.Add(1)
	w := r.worker()
	go func() {
		defer w.leave()
		if t, ok := w.search(); ok {
			w.loop(t)
		}
	}()
}

// worker returns a worker without a goroutine.
func (r *run) worker() *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		w := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return w
	}
	w := &worker{run: r}
	n := r.count.Load()
	r.workers[n] = w
	r.count.Store(n + 1)
	return w
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
