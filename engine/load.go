package engine

import "github.com/spanloom/spanloom/callbacks"

var _ callbacks.Workers = (*crew)(nil)

// Load implements callbacks.Workers. A worker that looks for work is not busy. All
// that may change while the run goes on is read atomically, and nothing is counted
// for it beforehand.
func (c *crew) Load() callbacks.Load {
	l := callbacks.Load{Limit: int(c.limit), Busy: int(max(c.active.Load()-c.searching.Load(), 0))}
	for w := c.workers.Load(); w != nil; w = w.older {
		l.Queued += int(w.queue.size.Load())
	}
	return l
}
