package nodespan

import (
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Recorded is what the code of a scope has recorded.
type Recorded struct {
	Attributes        []attribute.KeyValue
	Events            []Event
	Links             []Link
	Status            codes.Code
	Description       string
	DroppedAttributes int
	DroppedEvents     int
	DroppedLinks      int

	// Failure is 1 + the index of the event that tells of the failure with which
	// the scope ended; see [Recorded.For].
	Failure int
	// Clean says that texts have gone through a redactor.
	Clean bool
}

// Event is an event of a span.
type Event struct {
	Name       string
	Time       time.Time
	Attributes []attribute.KeyValue
	Dropped    int // attributes

	err error // of an exception
}

// Link is a link of a span.
type Link struct {
	SpanContext trace.SpanContext
	Attributes  []attribute.KeyValue
	Dropped     int // attributes
}

// Redactor makes texts ones that may leave the host.
type Redactor interface {
	// Key reports whether what stands under the name is secret.
	Key(name string) bool
	Text(s string) string
}

// For returns a copy of r, which may be nil, for a scope that ended with err: the
// last exception that is the same failure is noted, and texts go through red,
// unless they have.
func (r *Recorded) For(err error, red Redactor) *Recorded {
	if r == nil {
		return nil
	}
	c := *r
	if c.Clean {
		return &c
	}
	c.Clean = true
	c.Attributes = redacted(r.Attributes, red)
	c.Description = red.Text(r.Description)
	c.Events = make([]Event, len(r.Events))
	for i, ev := range r.Events {
		if ev.err != nil && same(err, ev.err) {
			c.Failure = i + 1
		}
		ev.Name, ev.Attributes, ev.err = red.Text(ev.Name), redacted(ev.Attributes, red), nil
		c.Events[i] = ev
	}
	c.Links = make([]Link, len(r.Links))
	for i, l := range r.Links {
		l.Attributes = redacted(l.Attributes, red)
		c.Links[i] = l
	}
	return &c
}

// Move takes the event of the failure out of r and returns it; nil when there is
// none. It is for a copy.
func (r *Recorded) Move() *Event {
	if r == nil || r.Failure < 1 || r.Failure > len(r.Events) {
		return nil
	}
	i := r.Failure - 1
	ev := r.Events[i]
	r.Events = append(r.Events[:i:i], r.Events[i+1:]...)
	r.Failure = 0
	return &ev
}

// same reports whether a scope that ended with err did so because of what was
// recorded.
func same(err, recorded error) (is bool) {
	if err == nil {
		return false
	}
	defer func() {
		if recover() != nil { // of a method of the error, or of types that cannot be compared
			is = false
		}
	}()
	return errors.Is(err, recorded)
}
