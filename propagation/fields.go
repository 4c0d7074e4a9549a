package propagation

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The names of the fields, as the W3C gives them.
const (
	parentKey  = "traceparent"
	stateKey   = "tracestate"
	baggageKey = "baggage"
)

// What is read of one carrier at most. It is counted before anything is parsed,
// over all lines of a field together.
const (
	// maxParent leaves room for what later versions append to the 55 characters
	// of version 00 (W3C Trace Context, Level 2, section 3.2).
	maxParent = 256
	// maxState is the longest list that the grammar allows: 32 members of a key
	// and a value of 256 characters each (section 3.3.1).
	maxState = 32*(256+1+256) + 31
	// maxBaggage and maxMembers are what everybody must pass on, and nobody
	// more than that (W3C Baggage, section 3.2.2).
	maxBaggage = 8192
	maxMembers = 64
)

// fields are the three fields of one carrier, and a carrier themselves: what
// OpenTelemetry's propagators read has been measured, and what they write is
// looked at before it leaves.
type fields struct{ parent, state, baggage string }

var _ propagation.TextMapCarrier = (*fields)(nil)

// Get returns a field.
func (f *fields) Get(key string) string {
	if p := f.field(key); p != nil {
		return *p
	}
	return ""
}

// Set writes a field.
func (f *fields) Set(key, value string) {
	if p := f.field(key); p != nil {
		*p = value
	}
}

// Keys returns the names of all fields.
func (f *fields) Keys() []string { return []string{parentKey, stateKey, baggageKey} }

func (f *fields) field(key string) *string {
	switch key {
	case parentKey:
		return &f.parent
	case stateKey:
		return &f.state
	case baggageKey:
		return &f.baggage
	default:
		return nil
	}
}

// read returns all lines of a field as one. A field that is longer than limit is
// left out as a whole.
func read(ctx context.Context, c propagation.TextMapCarrier, key string, limit int) string {
	multi, ok := c.(propagation.ValuesGetter)
	if !ok {
		value := c.Get(key)
		if len(value) > limit {
			warn(ctx, key, "too long", len(value))
			return ""
		}
		return value
	}
	lines := multi.Values(key)
	size := max(len(lines)-1, 0) // the commas between them
	for _, line := range lines {
		if size += len(line); size > limit {
			break
		}
	}
	switch {
	case size > limit:
		warn(ctx, key, "too long", size)
		return ""
	case len(lines) == 1:
		return lines[0]
	default:
		return strings.Join(lines, ",") // RFC 9110, section 5.3
	}
}

// readSpan returns the span that a carrier names, which is not valid when it
// names none or the field is malformed. Two lines of traceparent are malformed
// too: nobody can say which is right.
func readSpan(ctx context.Context, c propagation.TextMapCarrier) trace.SpanContext {
	f := fields{parent: read(ctx, c, parentKey, maxParent)}
	if f.parent == "" {
		return trace.SpanContext{}
	}
	if strings.Contains(f.parent, ",") { // two lines, perhaps joined on the way
		warn(ctx, parentKey, "malformed", len(f.parent))
		return trace.SpanContext{}
	}
	f.state = read(ctx, c, stateKey, maxState)
	sc := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), &f))
	switch {
	case !sc.IsValid():
		warn(ctx, parentKey, "malformed", len(f.parent))
	case f.state != "" && sc.TraceState().Len() == 0:
		warn(ctx, stateKey, "malformed", len(f.state))
	}
	return sc
}

// readBaggage returns the members that are well formed. It does not go through
// OpenTelemetry's propagator, which calls its parser in the same way and tells
// its global error handler, not us, what was wrong.
func readBaggage(ctx context.Context, c propagation.TextMapCarrier) baggage.Baggage {
	text := read(ctx, c, baggageKey, maxBaggage)
	if strings.Count(text, ",") >= maxMembers {
		warn(ctx, baggageKey, "too many members", len(text))
		return baggage.Baggage{}
	}
	bag, err := baggage.Parse(text)
	if err != nil {
		warn(ctx, baggageKey, "malformed", len(text))
	}
	return bag
}

// fieldsOf returns what ctx has to say, within the limits.
func fieldsOf(ctx context.Context) fields {
	var f fields
	span := trace.ContextWithSpanContext(context.Background(), current(ctx))
	propagation.TraceContext{}.Inject(span, &f)
	if bag := baggage.FromContext(ctx); bag.Len() > maxMembers {
		warn(ctx, baggageKey, "too many members to send", bag.Len())
	} else {
		propagation.Baggage{}.Inject(ctx, &f)
	}
	if len(f.baggage) > maxBaggage {
		warn(ctx, baggageKey, "too long to send", len(f.baggage))
		f.baggage = ""
	}
	// A tab in baggage can only be white space, and gRPC fails a call that has one.
	f.baggage = strings.ReplaceAll(f.baggage, "\t", " ")
	f.clean(ctx)
	return f
}

// clean leaves out what may end a header, or a variable of an environment.
// OpenTelemetry writes nothing of the kind; this holds should it ever do so.
func (f *fields) clean(ctx context.Context) {
	for _, key := range f.Keys() {
		if value := f.Get(key); strings.ContainsFunc(value, unsendable) {
			warn(ctx, key, "not printable", len(value))
			f.Set(key, "")
		}
	}
}

// unsendable tells what cannot stand in a header everywhere: gRPC takes printable
// characters only.
func unsendable(r rune) bool { return r < ' ' || r > '~' }
