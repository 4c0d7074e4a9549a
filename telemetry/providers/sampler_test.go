package providers

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// TestSpansFollowTheirParents: whatever the variables of the SDK say, a span is
// sampled as its run is, and one without a run always.
func TestSpansFollowTheirParents(t *testing.T) {
	for _, sampler := range []string{"", "always_on", "always_off", "traceidratio", "parentbased_always_off", "none of them"} {
		t.Setenv("OTEL_TRACES_SAMPLER", sampler)
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
		p, _, _, _ := faked(nil)
		for name, c := range map[string]struct {
			ctx  context.Context
			want bool
		}{
			"no parent":         {t.Context(), true},
			"sampled parent":    {parent(t.Context(), trace.FlagsSampled), true},
			"parent that isn't": {parent(t.Context(), 0), false},
		} {
			_, s := p.TracerProvider().Tracer("t").Start(c.ctx, "s")
			if got := s.SpanContext().IsSampled(); got != c.want {
				t.Errorf("OTEL_TRACES_SAMPLER=%s, %s: sampled is %t, want %t", sampler, name, got, c.want)
			}
			s.End()
		}
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func parent(ctx context.Context, flags trace.TraceFlags) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags,
	}))
}
