package otlpsdk

import (
	"time"

	"github.com/spanloom/spanloom/internal/otlpattribute"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// span is a span of a request. It has every method of the interface but the
// unexported one, which is nobody's to call.
type span struct {
	sdktrace.ReadOnlySpan

	context, parent trace.SpanContext
	pb              *tracepb.Span
	resource        *resource.Resource
	scope           instrumentation.Scope
}

// Spans returns the spans of a request, which must not be changed afterwards.
func Spans(request *coltracepb.ExportTraceServiceRequest) (list []sdktrace.ReadOnlySpan) {
	for _, r := range request.GetResourceSpans() {
		res := resourceOf(r.GetResource(), r.GetSchemaUrl())
		for _, s := range r.GetScopeSpans() {
			scope := scopeOf(s.GetScope(), s.GetSchemaUrl())
			for _, p := range s.GetSpans() {
				list = append(list, &span{
					pb: p, resource: res, scope: scope,
					context: contextOf(p.GetTraceId(), p.GetSpanId(), p.GetFlags(), p.GetTraceState(), false),
					parent:  parentOf(p),
				})
			}
		}
	}
	return list
}

func parentOf(p *tracepb.Span) trace.SpanContext {
	if len(p.GetParentSpanId()) == 0 {
		return trace.SpanContext{}
	}
	return contextOf(p.GetTraceId(), p.GetParentSpanId(), p.GetFlags(), p.GetTraceState(), isRemote(p.GetFlags()))
}

func isRemote(flags uint32) bool {
	return flags&uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK) != 0
}

func contextOf(traceID, spanID []byte, flags uint32, state string, remote bool) trace.SpanContext {
	c := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(flags & uint32(tracepb.SpanFlags_SPAN_FLAGS_TRACE_FLAGS_MASK)), Remote: remote}
	copy(c.TraceID[:], traceID)
	copy(c.SpanID[:], spanID)
	// A state that is malformed is none, as W3C Trace Context has it.
	c.TraceState, _ = trace.ParseTraceState(state)
	return trace.NewSpanContext(c)
}

func (s *span) Name() string                   { return s.pb.GetName() }
func (s *span) SpanContext() trace.SpanContext { return s.context }
func (s *span) Parent() trace.SpanContext      { return s.parent }
func (s *span) StartTime() time.Time           { return timeOf(s.pb.GetStartTimeUnixNano()) }

func (s *span) EndTime() time.Time { return timeOf(s.pb.GetEndTimeUnixNano()) }

func (s *span) Attributes() []attribute.KeyValue            { return otlpattribute.From(s.pb.GetAttributes()) }
func (s *span) InstrumentationScope() instrumentation.Scope { return s.scope }

// InstrumentationLibrary is an older name of InstrumentationScope.
func (s *span) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // the interface has it
	return s.scope
}
func (s *span) Resource() *resource.Resource { return s.resource }
func (s *span) DroppedAttributes() int       { return int(s.pb.GetDroppedAttributesCount()) }
func (s *span) DroppedLinks() int            { return int(s.pb.GetDroppedLinksCount()) }
func (s *span) DroppedEvents() int           { return int(s.pb.GetDroppedEventsCount()) }

// ChildSpanCount is not part of the protocol.
func (s *span) ChildSpanCount() int { return 0 }

func (s *span) SpanKind() trace.SpanKind {
	switch s.pb.GetKind() {
	case tracepb.Span_SPAN_KIND_INTERNAL:
		return trace.SpanKindInternal
	case tracepb.Span_SPAN_KIND_SERVER:
		return trace.SpanKindServer
	case tracepb.Span_SPAN_KIND_CLIENT:
		return trace.SpanKindClient
	case tracepb.Span_SPAN_KIND_PRODUCER:
		return trace.SpanKindProducer
	case tracepb.Span_SPAN_KIND_CONSUMER:
		return trace.SpanKindConsumer
	default:
		return trace.SpanKindUnspecified
	}
}

func (s *span) Links() []sdktrace.Link {
	return each(s.pb.GetLinks(), func(l *tracepb.Span_Link) sdktrace.Link {
		return sdktrace.Link{
			SpanContext:           contextOf(l.GetTraceId(), l.GetSpanId(), l.GetFlags(), l.GetTraceState(), isRemote(l.GetFlags())),
			Attributes:            otlpattribute.From(l.GetAttributes()),
			DroppedAttributeCount: int(l.GetDroppedAttributesCount()),
		}
	})
}

func (s *span) Events() []sdktrace.Event {
	return each(s.pb.GetEvents(), func(e *tracepb.Span_Event) sdktrace.Event {
		return sdktrace.Event{
			Name: e.GetName(), Time: timeOf(e.GetTimeUnixNano()),
			Attributes: otlpattribute.From(e.GetAttributes()), DroppedAttributeCount: int(e.GetDroppedAttributesCount()),
		}
	})
}

func (s *span) Status() sdktrace.Status {
	st := sdktrace.Status{Description: s.pb.GetStatus().GetMessage()}
	switch s.pb.GetStatus().GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		st.Code = codes.Ok
	case tracepb.Status_STATUS_CODE_ERROR:
		st.Code = codes.Error
	default:
	}
	return st
}
