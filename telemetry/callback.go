package telemetry

import (
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otelresource"
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
	steps    steps
	notes    notes
	queue    queue
	counters counters
}

var (
	_ callbacks.PipelineCallback = (*Callback)(nil)
	_ callbacks.RunIdentity      = (*Callback)(nil)
	_ callbacks.ContextValue     = (*Callback)(nil)
)

// NewCallback returns a callback that exports to e. It starts a goroutine, which
// ends with [Callback.Shutdown].
func NewCallback(e Exporters) *Callback {
	c := &Callback{
		exporter: e.Spans,
		resource: e.Resource,
		worker:   newWorker(),
	}
	if c.resource == nil {
		c.resource = otelresource.Default()
	}
	if c.exporter == nil {
		close(c.done)
		return c
	}
	go c.work()
	return c
}

// Hooks returns the ends of scopes, from which alone their spans are made, and
// what becomes an event or a link of a span that ends later.
func (c *Callback) Hooks() callbacks.Hook {
	if c.exporter == nil {
		return 0
	}
	return callbacks.HookPipelineStart | callbacks.HookNodeRetry | callbacks.HookNodeSkipped |
		callbacks.HookPipelineEnd | callbacks.HookNodeEnd | callbacks.HookNodeCached |
		callbacks.HookMapEnd | callbacks.HookMapItemEnd | callbacks.HookMapItemCached | callbacks.Times
}

// wants says whether there is to be a span of cc's scope.
func (c *Callback) wants(cc *callbacks.CallbackContext) bool {
	if c.exporter == nil || cc.Identity().Flags&byte(trace.FlagsSampled) == 0 {
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
	if c.wants(cc) {
		c.put(c.pipelineSpan(cc, ev))
	}
}

// OnNodeEnd makes the span of a node.
func (c *Callback) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	if c.wants(cc) {
		c.put(c.nodeSpan(cc, ev))
	}
}

// OnNodeCached makes the span of a node whose stored result was used.
func (c *Callback) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	if c.wants(cc) {
		c.put(c.cachedNodeSpan(cc, ev))
	}
}

// OnMapEnd makes the span of a map.
func (c *Callback) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	if c.wants(cc) {
		c.put(c.mapSpan(cc, ev))
	}
}

// OnMapItemEnd makes the span of a map item.
func (c *Callback) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	if c.wants(cc) {
		c.put(c.itemSpan(cc, ev))
	}
}

// OnMapItemCached makes the span of a map item whose stored result was used.
func (c *Callback) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	if c.wants(cc) {
		c.put(c.cachedItemSpan(cc, ev))
	}
}
