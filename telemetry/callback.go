package telemetry

import (
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/crashbudget"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/internal/otlpspan"
	"github.com/spanloom/spanloom/internal/running"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/propagation"
)

// Callback turns hooks into telemetry. Make it with [NewCallback]; all methods
// may be called concurrently.
type Callback struct {
	callbacks.Base
	propagation.OTel
	worker

	exporter sdktrace.SpanExporter
	resource *resource.Resource
	capture  privacy.Capture
	steps    steps
	notes    notes
	held     held
	keep     keeper
	open     running.Tracker
	queue    queue
	requests *requests // nil for an exporter of spans
	counters counters
	crashed  crashbudget.Budget
}

var (
	_ callbacks.PipelineCallback = (*Callback)(nil)
	_ callbacks.RunIdentity      = (*Callback)(nil)
	_ callbacks.ContextValue     = (*Callback)(nil)
	_ callbacks.Unsampled        = (*Callback)(nil)
)

// NewCallback returns a callback that exports to e. It starts a goroutine, which
// ends with [Callback.Shutdown].
func NewCallback(e Exporters) *Callback {
	c := &Callback{
		exporter: e.Spans,
		resource: e.Resource,
		steps:    steps{all: e.Attributes},
		capture:  e.Capture,
		keep:     keeper{Keep: e.Keep},
		held:     held{fanout: e.Fanout.withDefaults()},
		worker:   newWorker(),
	}
	c.crashed.Max = c.held.fanout.most()
	if c.resource == nil {
		c.resource = otelresource.Default()
	}
	if c.exporter == nil {
		close(c.done)
		return c
	}
	if exporter, ok := e.Spans.(otlpspan.Exporter); ok {
		c.requests = &requests{exporter: exporter, resource: c.resource}
	}
	go c.work()
	return c
}

// Hooks returns the ends of scopes, from which alone their spans are made, what
// becomes an event or a link of a span that ends later, and starts, to say what has
// been running for long.
func (c *Callback) Hooks() callbacks.Hook {
	if c.exporter == nil {
		return 0
	}
	return callbacks.HookPipelineStart | callbacks.HookNodeStart | callbacks.HookMapItemStart | callbacks.HookMapStart |
		callbacks.HookNodeRetry | callbacks.HookNodeSkipped | callbacks.HookMetric |
		callbacks.HookPipelineEnd | callbacks.HookNodeEnd | callbacks.HookNodeCached |
		callbacks.HookMapEnd | callbacks.HookMapItemEnd | callbacks.HookMapItemCached |
		callbacks.HookCrashed | callbacks.Times
}

// UnsampledHooks returns none, unless some runs that are not sampled are kept.
func (c *Callback) UnsampledHooks() callbacks.Hook {
	if c.keep.some() {
		return c.Hooks()
	}
	return 0
}

// follows says whether the run of cc has spans, or may have.
func (c *Callback) follows(cc *callbacks.CallbackContext) bool {
	return c.exporter != nil && (cc.Identity().Flags&sampled != 0 || c.keep.some())
}

// wants says whether there is to be a span of cc's scope, and counts it as lost
// when there is no room.
func (c *Callback) wants(cc *callbacks.CallbackContext) bool {
	if !c.follows(cc) {
		return false
	}
	if c.queue.count.Load() >= maxQueue { // before the work of building one
		c.counters.queueFull.Add(1)
		return false
	}
	return true
}

// OnPipelineEnd makes the span of a run or of a nested pipeline.
func (c *Callback) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	c.ended(cc)
	if cc.Parent() == nil {
		for _, m := range c.held.close(cc) { // whose Ends did not come
			c.outAll(m)
		}
	}
	if !c.wants(cc) {
		return
	}
	s := c.pipelineSpan(cc, ev)
	if cc.Parent() == nil && !s.context.IsSampled() {
		c.verdict(cc, s, ev.End)
		return
	}
	c.out(cc, s, nil)
}

// OnNodeEnd makes the span of a node.
func (c *Callback) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	c.ended(cc)
	if !c.wants(cc) {
		return
	}
	s := c.nodeSpan(cc, ev)
	c.lastAttempt(cc, ev.End, ev.Attempts, s.retried)
	c.out(cc, s, nil)
}

// OnNodeCached makes the span of a node whose stored result was used.
func (c *Callback) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	if c.wants(cc) {
		c.out(cc, c.cachedNodeSpan(cc, ev), nil)
	}
}

// OnMapItemEnd makes the span of a map item.
func (c *Callback) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	c.ended(cc)
	if !c.wants(cc) {
		return
	}
	s := c.itemSpan(cc, ev)
	c.lastAttempt(cc, ev.End, ev.Attempts, s.retried)
	c.out(cc, s, &ev.End)
}

// OnMapItemCached makes the span of a map item whose stored result was used.
func (c *Callback) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	if c.wants(cc) {
		c.out(cc, c.cachedItemSpan(cc, ev), &callbacks.End{Result: callbacks.ResultSuccess})
	}
}
