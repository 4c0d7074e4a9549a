package spanloom

import (
	"reflect"

	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Providers are OpenTelemetry providers that a program has already. A nil one is
// made by [Open].
type Providers struct {
	// Tracer makes the spans of node code. If it is that of OpenTelemetry's SDK, its
	// spans go to the backends too, as long as the Telemetry is open.
	Tracer trace.TracerProvider
	// Meter makes the instruments of node code. The SDK lets nobody add a reader
	// later, so that what they measure goes only where the program exports it.
	Meter metric.MeterProvider
	// Logger takes log records of node code, which go only where the program
	// exports them, as with Meter. [Telemetry.Logger] sends to the backends.
	Logger log.LoggerProvider
}

// WithProviders joins providers that the program has already: node code finds them,
// they stay as they are, and are the program's to shut down. The metrics of runs go
// to the backends by a provider of their own.
func WithProviders(p Providers) Option {
	return func(o *options) { o.providers = p }
}

// real returns p without the nil pointers that are no nil interfaces.
func (p Providers) real() Providers {
	if isNil(p.Tracer) {
		p.Tracer = nil
	}
	if isNil(p.Meter) {
		p.Meter = nil
	}
	if isNil(p.Logger) {
		p.Logger = nil
	}
	return p
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// registry is what of OpenTelemetry's SDK a tracer provider has.
type registry interface {
	RegisterSpanProcessor(p sdktrace.SpanProcessor)
	UnregisterSpanProcessor(p sdktrace.SpanProcessor)
}

// join sends the spans of the program's provider to the backends, until the
// returned function is called.
func (o *own) join() (leave func()) {
	r, ok := o.given.Tracer.(registry)
	if !ok || o.providers == nil {
		return func() {}
	}
	p := o.providers.SpanProcessor()
	r.RegisterSpanProcessor(p)
	return func() { r.UnregisterSpanProcessor(p) }
}
