package engine

import (
	"context"
	"sync"
	"time"
)

// A node that waits for its next attempt, or for another that computes the same
// result, is suspended: it holds no worker, so that it cannot be what others
// wait for.

// suspend returns a function that lets goOn run on some worker, once. The run
// does not end before that. When d ends, it goes on too.
func (r *run) suspend(d *domain, goOn func(*worker) task) (awake func()) {
	r.gone.Add(1)
	var once sync.Once
	wake := func() {
		once.Do(func() {
			r.wakeMu.Lock()
			r.awake = append(r.awake, goOn)
			r.awakeAt.Store(int32(len(r.awake)))
			r.wakeMu.Unlock()
			r.wake()
			r.gone.Done()
		})
	}
	stop := context.AfterFunc(&d.ctx, wake)
	return func() {
		stop()
		wake()
	}
}

// suspendFor is suspend for a time.
func (r *run) suspendFor(t time.Duration, d *domain, goOn func(*worker) task) {
	var timer *time.Timer
	started := make(chan struct{})
	awake := r.suspend(d, func(w *worker) task {
		<-started
		timer.Stop()
		return goOn(w)
	})
	timer = time.AfterFunc(t, awake)
	close(started)
}

// awakened returns one that goes on, or nil.
func (r *run) awakened() func(*worker) task {
	if r.awakeAt.Load() == 0 {
		return nil
	}
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	if len(r.awake) == 0 {
		return nil
	}
	goOn := r.awake[0]
	r.awake[0] = nil
	r.awake = r.awake[1:]
	r.awakeAt.Store(int32(len(r.awake)))
	return goOn
}
