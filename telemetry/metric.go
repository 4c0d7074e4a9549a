package telemetry

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// OnMetric notes an event of the span of the node or item whose code has marked a
// value. One that was replayed is at the start of the span: when it was marked, that
// was not there.
func (c *Callback) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	if !c.follows(cc) {
		return
	}
	at := cc.Start().Add(ev.At)
	if cc.Start().IsZero() { // an emitter without times
		at = time.Now()
	}
	e := sdktrace.Event{Name: "metric", Time: at}
	e.Attributes = append(e.Attributes, keyMetricName.String(valid(ev.Name)), keyMetricValue.Float64(ev.Value))
	c.notes.event(cc, e)
}
