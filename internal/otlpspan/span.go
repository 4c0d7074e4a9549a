package otlpspan

import (
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of opentelemetry/proto/trace/v1/trace.proto.
const (
	spanTraceID    = 1
	spanID         = 2
	spanTraceState = 3
	spanParent     = 4
	spanName       = 5
	spanKind       = 6
	spanStart      = 7
	spanEnd        = 8
	spanAttributes = 9
	spanDropped    = 10
	spanEvents     = 11
	spanDroppedEv  = 12
	spanLinks      = 13
	spanDroppedLn  = 14
	spanStatus     = 15
	spanFlags      = 16

	eventTime       = 1
	eventName       = 2
	eventAttributes = 3
	eventDropped    = 4

	linkTraceID    = 1
	linkSpanID     = 2
	linkAttributes = 4
	linkDropped    = 5
	linkFlags      = 6

	statusMessage = 2
	statusCode    = 3
)

// Prepared is a span that has a part of its attributes encoded: those that it shares
// with other spans.
type Prepared interface {
	sdktrace.ReadOnlySpan

	// Parts returns the first attributes of the span as [Encode] encodes them, and
	// the others as they are.
	Parts() (encoded []byte, others []attribute.KeyValue)
}

// Encode encodes attributes for a span.
func Encode(list []attribute.KeyValue) []byte { return AppendAttributes(nil, spanAttributes, list) }

// appendSpan appends a span as an element of a field.
func appendSpan(b []byte, field protowire.Number, s sdktrace.ReadOnlySpan) []byte {
	b, at := open(b, field, 2)
	sc, parent := s.SpanContext(), s.Parent()
	b = appendIDs(b, spanTraceID, spanID, sc)
	if state := sc.TraceState(); state.Len() > 0 {
		b = appendString(b, spanTraceState, state.String())
	}
	if id := parent.SpanID(); id.IsValid() {
		b = appendBytes(b, spanParent, id[:])
	}
	if name := s.Name(); name != "" {
		b = appendString(b, spanName, name)
	}
	if k := kindOf(s.SpanKind()); k != 0 {
		b = appendUint(b, spanKind, uint64(k))
	}
	b = appendTime(b, spanStart, s.StartTime())
	b = appendTime(b, spanEnd, s.EndTime())
	if p, ok := s.(Prepared); ok {
		encoded, others := p.Parts()
		b = AppendAttributes(append(b, encoded...), spanAttributes, others)
	} else {
		b = AppendAttributes(b, spanAttributes, s.Attributes())
	}
	b = appendCount(b, spanDropped, s.DroppedAttributes())
	b = appendEvents(b, s.Events())
	b = appendCount(b, spanDroppedEv, s.DroppedEvents())
	b = appendLinks(b, s.Links())
	b = appendCount(b, spanDroppedLn, s.DroppedLinks())
	b = appendStatus(b, s.Status())
	return shut(appendFlags(b, spanFlags, sc.TraceFlags(), parent), at)
}

func appendIDs(b []byte, traceField, spanField protowire.Number, sc trace.SpanContext) []byte {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	return appendBytes(appendBytes(b, traceField, traceID[:]), spanField, spanID[:])
}

func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	if n := t.UnixNano(); n > 0 {
		return appendFixed64(b, field, uint64(n))
	}
	return b
}

func appendCount(b []byte, field protowire.Number, n int) []byte {
	if n <= 0 {
		return b
	}
	return appendUint(b, field, min(uint64(n), math.MaxUint32))
}

// appendFlags appends the flags of the trace, and whether the context that they are
// of, or the parent, is another process's.
func appendFlags(b []byte, field protowire.Number, flags trace.TraceFlags, of trace.SpanContext) []byte {
	n := uint32(flags) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if of.IsRemote() {
		n |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), n)
}

func appendEvents(b []byte, list []sdktrace.Event) []byte {
	for i := range list {
		e := &list[i]
		var at message
		b, at = open(b, spanEvents, 2)
		b = appendTime(b, eventTime, e.Time)
		if e.Name != "" {
			b = appendString(b, eventName, e.Name)
		}
		b = AppendAttributes(b, eventAttributes, e.Attributes)
		b = shut(appendCount(b, eventDropped, e.DroppedAttributeCount), at)
	}
	return b
}

// appendLinks appends links, whose tracestate the stock exporter leaves out too.
func appendLinks(b []byte, list []sdktrace.Link) []byte {
	for i := range list {
		l := &list[i]
		var at message
		b, at = open(b, spanLinks, 1)
		b = appendIDs(b, linkTraceID, linkSpanID, l.SpanContext)
		b = AppendAttributes(b, linkAttributes, l.Attributes)
		b = appendCount(b, linkDropped, l.DroppedAttributeCount)
		b = shut(appendFlags(b, linkFlags, l.SpanContext.TraceFlags(), l.SpanContext), at)
	}
	return b
}

func appendStatus(b []byte, st sdktrace.Status) []byte {
	b, at := open(b, spanStatus, 1)
	if st.Description != "" {
		b = appendString(b, statusMessage, st.Description)
	}
	switch st.Code { //nolint:exhaustive // unset is 0, which is left out
	case codes.Ok:
		b = appendUint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_OK))
	case codes.Error:
		b = appendUint(b, statusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
	}
	return shut(b, at)
}

func kindOf(k trace.SpanKind) tracepb.Span_SpanKind {
	switch k {
	case trace.SpanKindInternal:
		return tracepb.Span_SPAN_KIND_INTERNAL
	case trace.SpanKindServer:
		return tracepb.Span_SPAN_KIND_SERVER
	case trace.SpanKindClient:
		return tracepb.Span_SPAN_KIND_CLIENT
	case trace.SpanKindProducer:
		return tracepb.Span_SPAN_KIND_PRODUCER
	case trace.SpanKindConsumer:
		return tracepb.Span_SPAN_KIND_CONSUMER
	default:
		return tracepb.Span_SPAN_KIND_UNSPECIFIED
	}
}
