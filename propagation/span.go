package propagation

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
)

var _ nodespan.ErrorAdder = (*span)(nil)

// span is the span of a scope as node code sees it. It is a pointer, as the
// spans of the SDK are, so that two of them may be compared.
type span struct {
	noop.Span // ends nothing, and keeps the name: the scope has both

	cc       *callbacks.CallbackContext
	provider trace.TracerProvider
}

// TracerProvider returns the program's, or one that makes no spans.
func (s *span) TracerProvider() trace.TracerProvider {
	if s.provider == nil {
		return s.Span.TracerProvider()
	}
	return s.provider
}

// SpanContext returns the ids of the scope.
func (s *span) SpanContext() trace.SpanContext { return SpanContext(s.cc) }

// IsRecording reports whether what is recorded joins the span of the scope: while
// that runs, if the run is sampled.
func (s *span) IsRecording() bool { return nodespan.Recording(s.cc) }

func (s *span) SetAttributes(list ...attribute.KeyValue) { nodespan.SetAttributes(s.cc, list) }

func (s *span) AddEvent(name string, options ...trace.EventOption) {
	if s.IsRecording() { // before the work
		nodespan.AddEvent(s.cc, name, trace.NewEventConfig(options...))
	}
}

func (s *span) RecordError(err error, options ...trace.EventOption) {
	if err != nil && s.IsRecording() {
		nodespan.AddError(s.cc, err, trace.NewEventConfig(options...))
	}
}

// AddError implements nodespan.ErrorAdder.
func (s *span) AddError(err error, list ...attribute.KeyValue) {
	s.RecordError(err, trace.WithAttributes(list...))
}

func (s *span) SetStatus(code codes.Code, description string) {
	nodespan.SetStatus(s.cc, code, description)
}

func (s *span) AddLink(link trace.Link) { nodespan.AddLink(s.cc, link) }
