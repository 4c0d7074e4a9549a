package telemetry

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/internal/nodespan"
	"github.com/spanloom/spanloom/internal/otlpspan"
)

// maxInline is how many attributes of its own a span holds without a second
// allocation: as many as a node has, one that failed too.
const maxInline = 8

// span is a finished span. It is built once and only read afterwards: a quarter
// of the cost of a span of the SDK, which is made to be changed.
type span struct {
	// Nil: it is here for the unexported method that keeps others from
	// implementing the interface. A test proves that no other method is its.
	sdktrace.ReadOnlySpan

	next *span // in the queue, or among those to be used again

	facts

	inline [maxInline]attribute.KeyValue
}

// facts are all that a span says.
type facts struct {
	name       string
	context    trace.SpanContext
	parent     trace.SpanID
	kind       trace.SpanKind
	start, end time.Time
	shared     *shared              // the attributes that it begins with
	attributes []attribute.KeyValue // the others
	status     sdktrace.Status
	resource   *resource.Resource
	more       *more // nil for most
	retried    retried
}

// more is what few spans have.
type more struct {
	events            []sdktrace.Event
	dropped           int // events
	links             []sdktrace.Link
	droppedLinks      int
	droppedAttributes int
	recorded          *nodespan.Recorded // until the span is finished

	inline [1]sdktrace.Event
}

var (
	_ sdktrace.ReadOnlySpan = (*span)(nil)
	_ otlpspan.Prepared     = (*span)(nil)
)

// scope is the instrumentation scope of all spans.
var scope = instrumentation.Scope{
	Name:      buildinfo.Module,
	Version:   buildinfo.Version(),
	SchemaURL: semconv.SchemaURL,
}

// The methods of sdktrace.ReadOnlySpan.

func (s *span) Name() string                                { return s.name }
func (s *span) SpanContext() trace.SpanContext              { return s.context }
func (s *span) SpanKind() trace.SpanKind                    { return s.kind }
func (s *span) StartTime() time.Time                        { return s.start }
func (s *span) EndTime() time.Time                          { return s.end }
func (s *span) Links() []sdktrace.Link                      { return s.extra().links }
func (s *span) Events() []sdktrace.Event                    { return s.extra().events }
func (s *span) Status() sdktrace.Status                     { return s.status }
func (s *span) InstrumentationScope() instrumentation.Scope { return scope }
func (s *span) Resource() *resource.Resource                { return s.resource }
func (s *span) DroppedAttributes() int                      { return s.extra().droppedAttributes }
func (s *span) DroppedLinks() int                           { return s.extra().droppedLinks }
func (s *span) DroppedEvents() int                          { return s.extra().dropped }
func (s *span) ChildSpanCount() int                         { return 0 }

// InstrumentationLibrary is deprecated, and still asked for by some exporters.
func (s *span) InstrumentationLibrary() instrumentation.Library { return scope } //nolint:staticcheck // part of the interface

func (s *span) Parent() trace.SpanContext {
	if !s.parent.IsValid() {
		return trace.SpanContext{}
	}
	return s.context.WithSpanID(s.parent)
}

func (s *span) Attributes() []attribute.KeyValue {
	if s.shared == nil {
		return s.attributes
	}
	return slices.Concat(s.shared.list, s.attributes)
}

// Parts implements otlpspan.Prepared.
func (s *span) Parts() (encoded []byte, others []attribute.KeyValue) {
	return s.shared.encoded, s.attributes
}

// extra returns what few spans have, to be read.
func (s *span) extra() *more {
	if s.more == nil {
		return &nothing
	}
	return s.more
}

var nothing more

// grow returns the same, to be written.
func (s *span) grow() *more {
	if s.more == nil {
		s.more = &more{}
		s.more.events = s.more.inline[:0]
	}
	return s.more
}
