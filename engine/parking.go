package engine

// A worker that finds no work is parked: its goroutine waits for more, with the stack
// that it has by now, which a new one would have to grow again.

// park keeps the goroutine of a worker that is about to wait in called, if the run goes
// on and few wait already.
func (r *run) park(w *worker) bool {
	r.crew.mu.Lock()
	defer r.crew.mu.Unlock()
	if r.finished.Load() || r.waiting == keptWorkers {
		w.nextIdle, r.idle = r.idle, w
		return false
	}
	if w.call == nil {
		w.call = make(chan bool, 1)
	}
	w.nextIdle, r.parked = r.parked, w
	r.waiting++
	r.home.Add(1)
	return true
}

// called waits until there is work for a parked worker, or the run ends.
func (w *worker) called() bool {
	home := &w.run.home
	work := <-w.call
	home.Done()
	return work
}

// sendHome ends the goroutines of all that are parked, when nobody works any more.
func (c *crew) sendHome() {
	for w := c.parked; w != nil; {
		next := w.nextIdle
		w.nextIdle, c.idle = c.idle, w
		w.call <- false
		w = next
	}
	c.parked, c.waiting = nil, 0
	c.home.Wait()
}
