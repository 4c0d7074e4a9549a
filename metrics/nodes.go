package metrics

import (
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/buckets"
)

// started measures how long a node queued, and counts it as active: more is one or
// 0.
func (c *Callback) started(e found, shard int, cc *callbacks.CallbackContext, more int64) {
	b := c.blocks.at(shard, e.number)
	q := b.queue.Load()
	if q == nil {
		q = cell(&c.queueOf(e).cells[shard])
		b.queue.Store(q)
	}
	if more != 0 && b.flags.Load()&met == 0 {
		c.meet(e, b)
	}
	i, d := 0, cc.Queued()
	if d > 0 {
		q.sum.Add(int64(d))
		i = runBounds.Index(d)
	}
	if i == 0 {
		more++
	} else {
		q.buckets[i].Add(1)
	}
	if more != 0 && b.begun.Add(more)&fullBegun != 0 {
		c.settle(b)
	}
	if q.flags.Load()>>i&1 == 0 && isSampled(cc) {
		c.queueOf(e).keep(&q.flags, i, cc, d, 0)
	}
}

// ended measures a node, which is no longer active.
func (c *Callback) ended(e found, shard int, cc *callbacks.CallbackContext, end *callbacks.End, r cacheResult) {
	b := c.blocks.at(shard, e.number)
	flags := b.flags.Load()
	if flags&met == 0 {
		c.meet(e, b)
	}
	b.begun.Add(-one)
	if end.Result != callbacks.ResultSuccess || r != cacheNone {
		e.duration(&e.succeeded, c.nodeDuration, end, r).record(shard, cc, end.Duration)
		return
	}
	d := max(end.Duration, 0)
	i := buckets.Steps.Index(d)
	if i > 0 {
		b.count(i, d)
	} else if b.brief.Add(one|uint64(d))&fullBrief != 0 {
		c.settle(b)
	}
	if flags>>i&1 == 0 && (flags&shown == 0 || isSampled(cc)) {
		c.show(e, b, i, cc, d)
	}
}

// meet lets the place of a block have its series of active nodes.
func (c *Callback) meet(e found, b *block) {
	join(c.nodeActive, e.labels, e.number, &e.active)
	b.flags.Or(met)
}

// show lets the place of a block have its series of nodes that succeed, and that an
// exemplar if it needs one.
func (c *Callback) show(e found, b *block, bucket int, cc *callbacks.CallbackContext, d time.Duration) {
	l := e.labels
	l.result = callbacks.ResultSuccess
	s := join(c.nodeDuration, l, e.number, &e.succeeded[cacheNone])
	b.flags.Or(shown)
	s.keep(&b.flags, bucket, cc, d, d)
}

// queueOf returns the series of the waits of nodes in the pipeline of a place.
func (c *Callback) queueOf(e found) *histogram {
	return join(c.nodeQueue, labels{pipeline: e.labels.pipeline, overflow: e.overflow}, e.number, &e.queue)
}

// settle makes room in a block.
func (c *Callback) settle(b *block) {
	c.moving.Lock()
	defer c.moving.Unlock()
	b.settle()
}
