package telemetry

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
)

// recorded takes what the code of cc's scope has recorded to its span. A failure is
// recorded once: where the last attempt has told of it, its event moves here.
func (c *Callback) recorded(cc *callbacks.CallbackContext, s *span, e callbacks.End) {
	rec := nodespan.Take(cc).For(e.Err, c.capture.Redactor)
	last := nodespan.TakeAttempt(cc, s.retried.number).For(e.Err, c.capture.Redactor)
	if ev := last.Move(); ev != nil {
		if rec == nil {
			rec = &nodespan.Recorded{}
		}
		if rec.Failure == 0 {
			rec.Events = append(rec.Events, *ev)
			rec.Failure = len(rec.Events)
		}
	}
	if rec != nil {
		s.grow().recorded = rec
	}
}

// attempted takes what the code of an attempt has recorded to its span. e says how
// the attempt ended; last says that it was also the end of cc.
func (c *Callback) attempted(cc *callbacks.CallbackContext, s *span, number int, e callbacks.End, last bool) {
	rec := nodespan.TakeAttempt(cc, number).For(e.Err, c.capture.Redactor)
	if rec == nil {
		return
	}
	if last {
		rec.Move()
	}
	s.grow().recorded = rec
	s.join()
}

// told reports whether node code has recorded the failure with which its scope
// ended.
func (s *span) told() bool {
	return s.more != nil && s.more.recorded != nil && s.more.recorded.Failure > 0
}

// joinRecorded joins what was recorded, if anything was.
func (s *span) joinRecorded() {
	if s.more != nil && s.more.recorded != nil {
		s.join()
	}
}

// join adds what was recorded to a span that has all else. What the scope says of
// itself counts more.
func (s *span) join() {
	m := s.more
	rec := m.recorded
	m.recorded = nil
	own := s.attributes
	s.attributes = slices.Grow(own, len(rec.Attributes))
	for _, kv := range rec.Attributes {
		same := func(o attribute.KeyValue) bool { return o.Key == kv.Key }
		if !slices.ContainsFunc(own, same) && !slices.ContainsFunc(s.shared.list, same) {
			s.attributes = append(s.attributes, kv)
		}
	}
	for _, ev := range rec.Events {
		m.events = append(m.events, sdktrace.Event{
			Name: ev.Name, Time: ev.Time, Attributes: ev.Attributes, DroppedAttributeCount: ev.Dropped,
		})
	}
	slices.SortStableFunc(m.events, func(a, b sdktrace.Event) int { return a.Time.Compare(b.Time) })
	for _, l := range rec.Links {
		m.links = append(m.links, sdktrace.Link{
			SpanContext: l.SpanContext, Attributes: l.Attributes, DroppedAttributeCount: l.Dropped,
		})
	}
	m.dropped += rec.DroppedEvents
	m.droppedLinks, m.droppedAttributes = rec.DroppedLinks, rec.DroppedAttributes
	if s.status.Code == codes.Unset {
		s.status = sdktrace.Status{Code: rec.Status, Description: rec.Description}
	}
}
