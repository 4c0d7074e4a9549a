package nodespan

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// recorder takes down what is recorded, until it is taken or its scope has ended.
type recorder struct {
	scope   *callbacks.CallbackContext
	attempt int

	mu     sync.Mutex
	closed bool
	bytes  int
	rec    Recorded
}

func (r *recorder) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closed
}

// take ends the recording. What was recorded does not change any more.
func (r *recorder) take() *Recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return &r.rec
}

// record calls f with what the code of cc has recorded so far, if there is to be
// more. f must not call foreign code.
func record(cc *callbacks.CallbackContext, f func(*recorder)) {
	r := of(cc)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && !r.scope.Ended() {
		f(r)
	}
}

// room reports whether n more bytes fit, and takes them.
func (r *recorder) room(n int) bool {
	if r.bytes+n > maxBytes {
		return false
	}
	r.bytes += n
	return true
}

// SetAttributes sets attributes of the span; the last value of a key counts.
func SetAttributes(cc *callbacks.CallbackContext, list []attribute.KeyValue) {
	record(cc, func(r *recorder) {
		for _, kv := range list {
			if !r.set(kv) {
				r.rec.DroppedAttributes++
			}
		}
	})
}

func (r *recorder) set(kv attribute.KeyValue) bool {
	if !kv.Valid() {
		return false
	}
	kv = bounded(kv)
	for i, old := range r.rec.Attributes {
		if old.Key == kv.Key {
			if !r.room(Size(kv) - Size(old)) {
				return false
			}
			r.rec.Attributes[i] = kv
			return true
		}
	}
	if len(r.rec.Attributes) >= maxAttributes || !r.room(Size(kv)) {
		return false
	}
	r.rec.Attributes = append(r.rec.Attributes, kv)
	return true
}

// AddEvent adds an event.
func AddEvent(cc *callbacks.CallbackContext, name string, c trace.EventConfig) { add(cc, name, nil, c) }

// AddError adds an event "exception" for err, which is not nil, with what its type
// and text are, unless the attributes of c say so. The methods of err are not ours:
// one that panics is recovered.
func AddError(cc *callbacks.CallbackContext, err error, c trace.EventConfig) {
	if !Recording(cc) { // before the work
		return
	}
	typ, message := describe(err)
	given := c.Attributes()
	var attrs []attribute.KeyValue
	for _, kv := range [...]attribute.KeyValue{semconv.ExceptionType(typ), semconv.ExceptionMessage(message)} {
		if !slices.ContainsFunc(given, func(g attribute.KeyValue) bool { return g.Key == kv.Key }) {
			attrs = append(attrs, kv)
		}
	}
	if c.StackTrace() {
		attrs = append(attrs, semconv.ExceptionStacktrace(string(debug.Stack())))
	}
	add(cc, "exception", err, trace.NewEventConfig(
		trace.WithTimestamp(c.Timestamp()), trace.WithAttributes(attrs...), trace.WithAttributes(given...)))
}

func describe(err error) (typ, message string) {
	defer func() {
		if p := recover(); p != nil {
			typ, message = "panic", fmt.Sprintf("%T: its methods panic", err)
		}
	}()
	return callbacks.ErrorType(err), err.Error()
}

func add(cc *callbacks.CallbackContext, name string, err error, c trace.EventConfig) {
	record(cc, func(r *recorder) {
		ev := Event{Name: cut(name), Time: c.Timestamp(), err: err}
		var bytes int
		ev.Attributes, ev.Dropped, bytes = boundedAll(c.Attributes())
		if len(r.rec.Events) >= maxEvents || !r.room(len(ev.Name)+bytes+eventBytes) {
			r.rec.DroppedEvents++
			return
		}
		r.rec.Events = append(r.rec.Events, ev)
	})
}

// AddLink adds a link, unless it says nothing.
func AddLink(cc *callbacks.CallbackContext, l trace.Link) {
	if !l.SpanContext.IsValid() && len(l.Attributes) == 0 && l.SpanContext.TraceState().Len() == 0 {
		return
	}
	record(cc, func(r *recorder) {
		link := Link{SpanContext: l.SpanContext}
		var bytes int
		link.Attributes, link.Dropped, bytes = boundedAll(l.Attributes)
		if len(r.rec.Links) >= maxLinks || !r.room(len(l.SpanContext.TraceState().String())+bytes+eventBytes) {
			r.rec.DroppedLinks++
			return
		}
		r.rec.Links = append(r.rec.Links, link)
	})
}

// SetStatus sets the status by the rules of OpenTelemetry: Ok counts more than
// Error, that more than Unset, and only an Error has a description.
func SetStatus(cc *callbacks.CallbackContext, code codes.Code, description string) {
	record(cc, func(r *recorder) {
		if code < r.rec.Status { // codes.Unset < codes.Error < codes.Ok
			return
		}
		if code != codes.Error {
			description = ""
		}
		description = cut(description)
		if r.room(len(description) - len(r.rec.Description)) {
			r.rec.Status, r.rec.Description = code, description
		}
	})
}
