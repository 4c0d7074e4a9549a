package telemetry

import (
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
	"github.com/spanloom/spanloom/propagation"
)

// newSpan returns the span of cc's scope, with the attributes that it begins with.
func (c *Callback) newSpan(cc *callbacks.CallbackContext, e callbacks.End, begin *shared) *span {
	s := c.blank()
	s.resource, s.kind, s.shared = c.resource, trace.SpanKindInternal, begin
	s.attributes = s.inline[:0]
	s.context = propagation.SpanContext(cc)
	s.parent = trace.SpanID(cc.ParentSpanID())
	s.start = cc.Start()
	if s.start.IsZero() { // an emitter without times
		s.start = time.Now().Add(-e.Duration)
	}
	// A span that takes no time is one that many take for damaged.
	s.end = s.start.Add(max(e.Duration, time.Nanosecond))
	if c.notes.any() {
		c.notes.take(cc, s)
	}
	if nodespan.Some(cc) {
		c.recorded(cc, s, e)
	}
	return s
}

// step returns what the spans of a step have in common.
func (c *Callback) step(n *callbacks.Node) *step {
	if c.requests == nil {
		return c.steps.of(n)
	}
	return c.requests.step(n, &c.steps)
}

// blank returns a span that says nothing.
func (c *Callback) blank() *span {
	if c.requests == nil {
		return &span{}
	}
	return c.requests.span()
}

func (s *span) add(kv ...attribute.KeyValue) { s.attributes = append(s.attributes, kv...) }

// place adds where in the run the scope is.
func (s *span) place(cc *callbacks.CallbackContext) {
	s.add(keyPath.String(valid(cc.Path())), keyDepth.Int(cc.Depth()))
}

// finish adds how the scope ended. A cancellation is not an error of the scope that
// was cancelled: its status stays unset.
func (s *span) finish(e callbacks.End) {
	s.add(keyResult.String(e.Result.String()))
	s.outcome(e)
	s.joinRecorded()
}

// outcome sets the status, and adds the failure if it is one.
func (s *span) outcome(e callbacks.End) {
	switch e.Result {
	case callbacks.ResultFailure, callbacks.ResultError, callbacks.ResultTimeout:
	default:
		return
	}
	s.status = sdktrace.Status{Code: codes.Error, Description: e.Result.String()}
	if e.Err == nil {
		s.add(semconv.ErrorTypeOther)
		return
	}
	typ, message := valid(callbacks.ErrorType(e.Err)), shorten(e.Err.Error(), maxMessage)
	if message != "" {
		s.status.Description = message
	}
	s.add(semconv.ErrorTypeKey.String(typ))
	if e.Origin && !s.told() {
		m := s.grow()
		m.events = append(m.events, exception(e.Err, typ, message, s.end))
	}
}

func (c *Callback) pipelineSpan(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) *span {
	s := c.newPipelineSpan(cc, ev.End)
	s.add(keyNodeCount.Int(ev.Nodes))
	if looks := ev.Cached + ev.Missed; looks > 0 {
		s.add(keyHitRatio.Float64(float64(ev.Cached) / float64(looks)))
	}
	c.outputs(s, ev.Outputs)
	s.finish(ev.End)
	return s
}

func (c *Callback) newPipelineSpan(cc *callbacks.CallbackContext, e callbacks.End) *span {
	st := c.step(cc.Node())
	s := c.newSpan(cc, e, st.ofPipelines)
	s.name = st.pipeline
	s.add(keyRunID.String(valid(cc.RunID())))
	if st.version != "" {
		s.add(keyPipelineVersion.String(st.version))
	}
	if r := cc.Runner(); r != "" {
		s.add(keyRunner.String(valid(r)))
	}
	if cc.Depth() == 0 {
		s.kind = trace.SpanKindServer
		s.linked(cc)
	} else {
		s.add(keyPipelineNested.Bool(true))
		s.place(cc)
	}
	return s
}

func (c *Callback) newNodeSpan(cc *callbacks.CallbackContext, e callbacks.End) *span {
	st := c.step(cc.Node())
	s := c.newSpan(cc, e, st.ofNodes)
	s.name = st.node
	if cc.Kind() == callbacks.KindJob {
		s.name, s.kind = st.job, trace.SpanKindProducer
		s.add(keyRunID.String(valid(cc.RunID())), keyRunner.String(valid(cc.Runner())))
	}
	s.place(cc)
	s.ran(cc)
	return s
}

func (c *Callback) nodeSpan(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) *span {
	st := c.step(cc.Node())
	if usual := st.usually(cc, &ev); usual != nil {
		s := c.newSpan(cc, ev.End, usual)
		s.name = st.node
		s.add(keyPath.String(valid(cc.Path())))
		s.queued(cc)
		s.looked(ev.Cache)
		c.outputs(s, ev.Outputs)
		s.joinRecorded()
		return s
	}
	s := c.newNodeSpan(cc, ev.End)
	s.add(keyAttemptCount.Int(ev.Attempts))
	s.looked(ev.Cache)
	c.outputs(s, ev.Outputs)
	s.finish(ev.End)
	return s
}

func (c *Callback) cachedNodeSpan(cc *callbacks.CallbackContext, ev callbacks.NodeCached) *span {
	e := callbacks.End{Result: callbacks.ResultSuccess}
	s := c.newNodeSpan(cc, e)
	s.hit(ev)
	c.outputs(s, ev.Outputs)
	s.finish(e)
	return s
}

func (c *Callback) mapSpan(cc *callbacks.CallbackContext, ev callbacks.MapEnd) *span {
	s := c.newMapSpan(cc, ev.End)
	s.add(
		keyMapSize.Int(ev.Size()),
		keyMapSucceeded.Int(ev.Succeeded), keyMapFailed.Int(ev.Failed),
		keyMapCached.Int(ev.Cached), keyMapSkipped.Int(ev.Skipped),
	)
	if ev.Concurrency > 0 {
		s.add(keyMapConcurrency.Int(ev.Concurrency))
	}
	c.outputs(s, ev.Outputs)
	s.finish(ev.End)
	return s
}

func (c *Callback) newMapSpan(cc *callbacks.CallbackContext, e callbacks.End) *span {
	st := c.step(cc.Node())
	s := c.newSpan(cc, e, st.ofNodes)
	s.name = st.mapped
	s.attributes = append(make([]attribute.KeyValue, 0, 2*maxInline), s.attributes...)
	s.place(cc)
	s.queued(cc)
	return s
}

func (c *Callback) newItemSpan(cc *callbacks.CallbackContext, e callbacks.End, label string) *span {
	st := c.step(cc.Node())
	s := c.newSpan(cc, e, st.ofItems)
	s.name = st.item
	s.add(keyMapIndex.Int(cc.Index()))
	if label != "" {
		s.add(keyMapLabel.String(shorten(c.capture.Redactor.Clip(label, utf8.UTFMax*maxLabel), maxLabel)))
	}
	s.place(cc)
	return s
}

func (c *Callback) itemSpan(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) *span {
	s := c.newItemSpan(cc, ev.End, ev.Label)
	s.add(keyAttemptCount.Int(ev.Attempts))
	s.looked(ev.Cache)
	c.outputs(s, ev.Outputs)
	s.finish(ev.End)
	return s
}

func (c *Callback) cachedItemSpan(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) *span {
	e := callbacks.End{Result: callbacks.ResultSuccess}
	s := c.newItemSpan(cc, e, ev.Label)
	s.hit(callbacks.NodeCached{Signature: ev.Signature, Saved: ev.Saved, TraceID: ev.TraceID, SpanID: ev.SpanID})
	c.outputs(s, ev.Outputs)
	s.finish(e)
	return s
}

// ran adds how the runner runs the node.
func (s *span) ran(cc *callbacks.CallbackContext) {
	s.add(keyStrategy.String(strategy(cc.Runner())))
	s.queued(cc)
}

// queued adds how long the scope waited for a worker.
func (s *span) queued(cc *callbacks.CallbackContext) {
	if d := cc.Queued(); d > 0 {
		s.add(keyQueued.Float64(d.Seconds()))
	}
}

// strategy returns how a runner runs nodes. Those that the engine does not have
// itself run them elsewhere.
func strategy(runner string) string {
	switch runner {
	case "sequential":
		return "sequential"
	case "local", "":
		return "parallel"
	default:
		return "remote"
	}
}

// looked adds that a cache had no result; l is nil when there is no cache.
func (s *span) looked(l *callbacks.CacheLookup) {
	switch {
	case l == nil:
		return
	case l.Bypass:
		s.add(keyCacheResult.String("bypass"))
	default:
		s.add(keyCacheResult.String("miss"))
	}
	if l.Signature != "" {
		s.add(keyCacheKey.String(valid(l.Signature)))
	}
}

// hit adds that a stored result was used, and leads to what computed it.
func (s *span) hit(ev callbacks.NodeCached) {
	s.add(keyCacheResult.String("hit"))
	if ev.Signature != "" {
		s.add(keyCacheKey.String(valid(ev.Signature)))
	}
	if ev.Saved > 0 {
		s.add(keyCacheSaved.Float64(ev.Saved.Seconds()))
	}
	s.link(ev.TraceID, ev.SpanID, true)
}
