package metrics

import (
	"sync"
	"sync/atomic"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/spanloom/spanloom/callbacks"
)

// Callback counts and measures what happens in runs. Make it with [New]; one
// serves any number of runs at once, and all methods may be called concurrently.
//
// It is a Producer of the OpenTelemetry SDK: see [Callback.Produce].
type Callback struct {
	callbacks.Base
	instruments
	provider

	began  time.Time
	panics map[string]uint64 // before that
	shards int
	runs   *places    // pipelines
	nodes  *places    // nodes in pipelines
	blocks blocks     // of nodes
	moving sync.Mutex // held while counts move out of a block, and while all are read
	gauges gauges     // of values that node code marks
	pools  pools      // of workers

	backends func() []Backend
}

var (
	_ callbacks.PipelineCallback = (*Callback)(nil)
	_ callbacks.ContextValue     = (*Callback)(nil)
	_ sdkmetric.Producer         = (*Callback)(nil)
)

// instruments are the series that hooks fill.
type instruments struct {
	runDuration, nodeDuration, itemDuration       *family[histogram]
	nodeQueue                                     *family[histogram]
	runActive, nodeActive, itemActive             *family[counter]
	nodeRetries, errors, cacheLookups, cacheSaved *family[counter]
	cacheIO                                       *family[counter]
}

// The sizes of the look-up by address. Those of nodes hold as many as have series
// of their own and some more; a full group only costs time.
const (
	runGroups  = 64
	nodeGroups = 1024
)

// Hooks returns what is counted or measured: no values, no emitted ones, no
// steps that did not run.
func (*Callback) Hooks() callbacks.Hook {
	return callbacks.HookPipelineStart | callbacks.HookPipelineEnd |
		callbacks.HookNodeStart | callbacks.HookNodeEnd | callbacks.HookNodeCached | callbacks.HookNodeRetry |
		callbacks.HookMapStart | callbacks.HookMapEnd |
		callbacks.HookMapItemStart | callbacks.HookMapItemEnd | callbacks.HookMapItemCached |
		callbacks.HookError | callbacks.HookCrashed | callbacks.HookMetric | callbacks.Times
}

// OnPipelineStart counts a run, or a nested pipeline, as active.
func (c *Callback) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	if ev.Workers != nil {
		c.pools.add(cc, ev.Workers)
	}
	p := c.runs.ofPipeline(cc)
	p.counter(&p.active, c.runActive).add(shardOf(cc, c.shards), 1)
}

// OnPipelineEnd measures a run or a nested pipeline.
func (c *Callback) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	if cc.Parent() == nil {
		c.pools.remove(cc)
	}
	p, shard := c.runs.ofPipeline(cc), shardOf(cc, c.shards)
	p.counter(&p.active, c.runActive).add(shard, -1)
	p.duration(&p.succeeded, c.runDuration, &ev.End, cacheNone).record(shard, cc, ev.Duration)
}

// OnNodeStart counts a node as active, and its look-up of a stored result.
func (c *Callback) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	e, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	c.started(e, shard, cc, one)
	c.looked(e.place, shard, ev.Cache)
}

// OnNodeEnd measures a node.
func (c *Callback) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	e, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	c.ended(e, shard, cc, &ev.End, lookedUp(ev.Cache))
	c.stored(shard, ev.Cache)
}

// OnNodeCached counts a node whose stored result was used.
func (c *Callback) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	e, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	c.started(e, shard, cc, 0)
	e.duration(&e.succeeded, c.nodeDuration, &success, cacheHit).record(shard, cc, 0)
	c.hit(e.place, shard, &ev)
}

// OnNodeRetry counts a failed attempt that another will follow.
func (c *Callback) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	l := c.nodes.ofNode(cc).labels
	l.errorType = typeOf(ev.Err)
	c.nodeRetries.of(l).add(shardOf(cc, c.shards), 1)
}

// OnMapStart counts a map, which is a node, as active.
func (c *Callback) OnMapStart(cc *callbacks.CallbackContext, _ callbacks.MapStart) {
	e, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	c.started(e, shard, cc, one)
}

// OnMapEnd measures a map, which is a node.
func (c *Callback) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	e, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	c.ended(e, shard, cc, &ev.End, cacheNone)
}

// OnMapItemStart counts an item as active, and its look-up of a stored result.
func (c *Callback) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	p, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	p.counter(&p.items, c.itemActive).add(shard, 1)
	c.looked(p.place, shard, ev.Cache)
}

// OnMapItemEnd measures an item.
func (c *Callback) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	p, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	p.counter(&p.items, c.itemActive).add(shard, -1)
	p.duration(&p.itemSucceeded, c.itemDuration, &ev.End, lookedUp(ev.Cache)).record(shard, cc, ev.Duration)
	c.stored(shard, ev.Cache)
}

// OnMapItemCached counts an item whose stored result was used.
func (c *Callback) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	p, shard := c.nodes.ofNode(cc), shardOf(cc, c.shards)
	p.duration(&p.itemSucceeded, c.itemDuration, &success, cacheHit).record(shard, cc, 0)
	c.hit(p.place, shard, &callbacks.NodeCached{Saved: ev.Saved, Reason: ev.Reason, Tier: ev.Tier, Size: ev.Size})
}

// OnError counts a failure where it began.
func (c *Callback) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	l := labels{component: cc.Kind().String(), errorType: typeOf(ev.Err)}
	c.errors.of(l).add(shardOf(cc, c.shards), 1)
}

// exportFailed counts a failure of an exporter.
func (c *Callback) exportFailed(err error) {
	c.errors.of(labels{component: "exporter", errorType: typeOf(err)}).add(0, 1)
}

// success is the end of what did not have to run.
var success = callbacks.End{Result: callbacks.ResultSuccess}

func (c *Callback) lookup(p *place, shard int, r cacheResult, tier string) {
	if r == cacheNone {
		return
	}
	s := p.lookups[r].Load()
	if s == nil || s.tier != tier {
		l := p.labels
		l.cache, l.tier = r, value(tier)
		s = &tiered{tier, c.cacheLookups.of(l)}
		p.lookups[r].Store(s)
	}
	s.add(shard, 1)
}

// looked counts the look-up of what has to run.
func (c *Callback) looked(p *place, shard int, l *callbacks.CacheLookup) {
	if l != nil {
		c.lookup(p, shard, lookedUp(l), l.Tier)
	}
}

// stored counts what was put into a cache.
func (c *Callback) stored(shard int, l *callbacks.CacheLookup) {
	if l != nil && l.Stored > 0 {
		c.cacheIO.of(labels{direction: "write"}).add(shard, int64(l.Stored))
	}
}

// resumed is the reason of a result that an earlier start of the run has left.
// The cache was not asked for it.
const resumed = "resume"

func (c *Callback) hit(p *place, shard int, ev *callbacks.NodeCached) {
	if ev.Reason != resumed {
		c.lookup(p, shard, cacheHit, ev.Tier)
	}
	if ev.Size > 0 {
		c.cacheIO.of(labels{direction: "read"}).add(shard, int64(ev.Size))
	}
	p.counter(&p.saved, c.cacheSaved).add(shard, int64(max(ev.Saved, 0)))
}

// counter returns the series of the place itself.
func (p *place) counter(known *atomic.Pointer[counter], f *family[counter]) *counter {
	if s := known.Load(); s != nil {
		return s
	}
	s := f.of(p.labels)
	known.Store(s)
	return s
}

// duration returns the series of what ended in one way.
func (p *place) duration(known *[cacheResults]atomic.Pointer[histogram], f *family[histogram], end *callbacks.End, r cacheResult) *histogram {
	if end.Result == callbacks.ResultSuccess {
		if s := known[r].Load(); s != nil {
			return s
		}
	}
	l := p.labels
	l.result, l.cache, l.errorType = end.Result, r, f.errorType(end)
	s := f.of(l)
	if end.Result == callbacks.ResultSuccess {
		known[r].Store(s)
	}
	return s
}
