package propagation

import (
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
)

// learned is a context key that OpenTelemetry does not export.
type learned struct {
	key   any
	known bool
}

// spanKey is the key under which trace.SpanFromContext looks.
var spanKey = learn(trace.SpanFromContext)

// bagKey is the key under which baggage.FromContext looks. Where it is not known,
// baggage is what user code has made it.
var bagKey = learnBaggage()

func learnBaggage() learned {
	m, err := baggage.NewMemberRaw("probe", "1")
	if err != nil {
		return learned{}
	}
	bag, err := baggage.New(m)
	if err != nil {
		return learned{}
	}
	p := &probe{Context: context.Background()}
	baggage.FromContext(p)
	if len(p.asked) != 1 {
		return learned{}
	}
	key := p.asked[0]
	p.answer = baggage.ContextWithBaggage(context.Background(), bag).Value(key)
	return learned{key: key, known: baggage.FromContext(p).Member("probe").Value() == "1"}
}

// learn finds the one key that lookup asks a context for, and makes sure that a
// span which is found under it is what lookup returns.
func learn(lookup func(context.Context) trace.Span) learned {
	p := &probe{Context: context.Background()}
	lookup(p)
	if len(p.asked) != 1 {
		return learned{}
	}
	want := &span{}
	p.answer = want
	if got := lookup(p); got != trace.Span(want) {
		return learned{}
	}
	return learned{key: p.asked[0], known: true}
}

// probe is a context that remembers what it was asked for.
type probe struct {
	context.Context //nolint:containedctx // it is itself a context

	asked  []any
	answer any
}

func (p *probe) Value(key any) any {
	p.asked = append(p.asked, key)
	return p.answer
}

// answerUnknown is for an OpenTelemetry that cannot be probed. It asks a context
// that was made by OpenTelemetry's own function for whatever key it is given:
// always right, and one allocation for each value that anybody looks up.
func answerUnknown(s *span, key any) any {
	return trace.ContextWithSpan(context.Background(), s).Value(key)
}
