package telemetry

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// begun follows a scope until its end, if it has a span for sure.
func (c *Callback) begun(cc *callbacks.CallbackContext) {
	if c.exporter != nil && cc.Identity().Flags&sampled != 0 {
		c.open.Begin(cc)
	}
}

// ended follows a scope no longer.
func (c *Callback) ended(cc *callbacks.CallbackContext) {
	if c.exporter != nil && cc.Identity().Flags&sampled != 0 {
		c.open.End(cc)
	}
}

// tellRunning makes spans that say what has been running for long. They take no time
// and stand in spans that are not there yet.
func (c *Callback) tellRunning(now time.Time) {
	for _, cc := range c.open.Due() {
		c.put(c.runningSpan(cc, now))
	}
}

func (c *Callback) runningSpan(cc *callbacks.CallbackContext, now time.Time) *span {
	s := &span{resource: c.resource, kind: trace.SpanKindInternal, start: now, end: now.Add(time.Nanosecond)}
	s.attributes = append(s.inline[:0], c.static...)
	s.parent = propagation.SpanContext(c.held.outside(cc))
	var id trace.SpanID
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // ids are no secret
	}
	s.context = s.parent.WithSpanID(id)
	name := c.steps.of(cc.Node()).name
	s.name = "running " + name
	s.add(keyRunID.String(valid(cc.RunID())), keyNodeName.String(name))
	s.place(cc)
	if start := cc.Start(); !start.IsZero() {
		s.add(keyRunning.Float64(now.Sub(start).Seconds()))
	}
	return s
}
