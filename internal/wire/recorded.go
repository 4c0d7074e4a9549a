package wire

import (
	"time"

	"github.com/spanloom/spanloom/internal/otlpattribute"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
)

// Recorded is what node code has recorded, as it waits to be encoded.
type Recorded struct{ rows []row }

// row is that of a scope, or of an attempt.
type row struct {
	attempt, failure int
	span             []byte
}

// NewRecorded takes down what the code of cc's scope, or of an attempt of it, has
// recorded. err is that with which the scope or the attempt ended; attempt is the
// number of the last one in it, or of that which was tried again. Texts go through
// red. What was recorded by a scope is told with its end.
func NewRecorded(cc *callbacks.CallbackContext, hook callbacks.Hook, attempt int, err error, red nodespan.Redactor) *Recorded {
	var list []row
	add := func(number int, rec *nodespan.Recorded) {
		if rec = rec.For(err, red); rec == nil {
			return
		}
		data, err := proto.Marshal(spanOf(rec))
		if err == nil { // every string was made valid
			list = append(list, row{number, rec.Failure, data})
		}
	}
	if hook != callbacks.HookNodeRetry {
		add(0, nodespan.Take(cc))
	}
	add(attempt, nodespan.TakeAttempt(cc, attempt))
	if len(list) == 0 {
		return nil
	}
	return &Recorded{list}
}

func spanOf(r *nodespan.Recorded) *tracepb.Span {
	s := &tracepb.Span{
		Attributes:             otlpattribute.To(r.Attributes),
		DroppedAttributesCount: uint32(r.DroppedAttributes),
		DroppedEventsCount:     uint32(r.DroppedEvents),
		DroppedLinksCount:      uint32(r.DroppedLinks),
	}
	for _, ev := range r.Events {
		s.Events = append(s.Events, &tracepb.Span_Event{
			Name: ev.Name, TimeUnixNano: uint64(max(ev.Time.UnixNano(), 0)),
			Attributes: otlpattribute.To(ev.Attributes), DroppedAttributesCount: uint32(ev.Dropped),
		})
	}
	for _, l := range r.Links {
		trace, span := l.SpanContext.TraceID(), l.SpanContext.SpanID()
		s.Links = append(s.Links, &tracepb.Span_Link{
			TraceId: trace[:], SpanId: span[:], TraceState: l.SpanContext.TraceState().String(),
			Flags: uint32(l.SpanContext.TraceFlags()), Attributes: otlpattribute.To(l.Attributes), DroppedAttributesCount: uint32(l.Dropped),
		})
	}
	switch r.Status {
	case codes.Ok:
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK}
	case codes.Error:
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: r.Description}
	case codes.Unset:
	}
	return s
}

// recorded adds the rows of an event.
func (e *Encoder) recorded(at uint32, rec *Recorded) {
	if e.batch.Recorded == nil {
		e.batch.Recorded = &pb.Recorded{}
	}
	t := e.batch.Recorded
	for _, r := range rec.rows {
		t.Event = append(t.Event, at)
		t.Attempt = append(t.Attempt, uint32(r.attempt))
		t.Failure = append(t.Failure, uint32(r.failure))
		t.Span = append(t.Span, r.span)
	}
}

// recorded puts what was recorded of an event's scope at its context.
func (d *Decoder) recorded(b *pb.Batch, i int, cc *callbacks.CallbackContext) {
	if d.said >= len(b.GetRecorded().GetEvent()) {
		return
	}
	for t := b.GetRecorded(); d.said < len(t.GetEvent()) && t.GetEvent()[d.said] <= uint32(i); d.said++ {
		if t.GetEvent()[d.said] < uint32(i) { // rows come in the order of events
			continue
		}
		var s tracepb.Span
		if proto.Unmarshal(t.GetSpan()[d.said], &s) != nil {
			continue
		}
		rec := recordedOf(&s)
		if n := t.GetFailure()[d.said]; int64(n) <= int64(len(rec.Events)) {
			rec.Failure = int(n)
		}
		nodespan.Put(cc, int(t.GetAttempt()[d.said]), rec)
	}
}

func recordedOf(s *tracepb.Span) *nodespan.Recorded {
	r := &nodespan.Recorded{
		Clean:             true,
		Attributes:        otlpattribute.From(s.GetAttributes()),
		DroppedAttributes: int(s.GetDroppedAttributesCount()),
		DroppedEvents:     int(s.GetDroppedEventsCount()),
		DroppedLinks:      int(s.GetDroppedLinksCount()),
	}
	for _, ev := range s.GetEvents() {
		r.Events = append(r.Events, nodespan.Event{
			Name: ev.GetName(), Time: time.Unix(0, int64(ev.GetTimeUnixNano())),
			Attributes: otlpattribute.From(ev.GetAttributes()), Dropped: int(ev.GetDroppedAttributesCount()),
		})
	}
	for _, l := range s.GetLinks() {
		c := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(l.GetFlags())}
		copy(c.TraceID[:], l.GetTraceId())
		copy(c.SpanID[:], l.GetSpanId())
		c.TraceState, _ = trace.ParseTraceState(l.GetTraceState())
		r.Links = append(r.Links, nodespan.Link{
			SpanContext: trace.NewSpanContext(c), Attributes: otlpattribute.From(l.GetAttributes()), Dropped: int(l.GetDroppedAttributesCount()),
		})
	}
	switch s.GetStatus().GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		r.Status = codes.Ok
	case tracepb.Status_STATUS_CODE_ERROR:
		r.Status, r.Description = codes.Error, s.GetStatus().GetMessage()
	default:
	}
	return r
}
