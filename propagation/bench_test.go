package propagation

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/baggage"
)

// hostile is input that costs as much as the limits let it.
func hostile() map[string]Header {
	worst := func(n int, with string) string { // n members that fill what is allowed
		room := strings.Repeat(with, (maxBaggage/n-len("k99=,"))/len(with))
		return repeat(n, func(i int) string { return fmt.Sprintf("k%02d=%s", i, room) })
	}
	return map[string]Header{
		"nothing":            {},
		"usual":              {"Traceparent": {valid}, "Tracestate": {"a=1,b=2"}, "Baggage": {"user=anna"}},
		"traceparent, 1 MiB": {"Traceparent": {strings.Repeat("0", 1<<20)}},
		"tracestate, 32 long": {"Traceparent": {valid}, "Tracestate": {
			repeat(32, func(i int) string {
				return string(rune('a'+i%26)) + strings.Repeat("x", 1+i) + "=" + strings.Repeat("y", 256)
			}),
		}},
		"tracestate, 8 000 members": {"Traceparent": {valid}, "Tracestate": {strings.Repeat("a,", 8_000)}},
		"baggage, 64 escaped":       {"Baggage": {worst(64, "%41")}},
		"baggage, 64 to escape":     {"Baggage": {worst(64, "%0A")}},
		"baggage, 64 broken":        {"Baggage": {strings.Repeat("%zz=%zz%,", 63)}},
		"baggage, 64 invalid bytes": {"Baggage": {worst(64, "%FF")}},
		"baggage, one of escapes":   {"Baggage": {worst(1, "%FF")}},
		"baggage, properties":       {"Baggage": {"a=b" + strings.Repeat(";c", 4_000)}},
		"baggage, 1 MiB":            {"Baggage": {strings.Repeat("a=1,", 1<<18)}},
		"baggage, 10 000 lines":     {"Baggage": strings.Split(strings.Repeat("a=1,", 10_000), ",")},
		"all of them": {
			"Traceparent": {valid},
			"Tracestate": {repeat(32, func(i int) string {
				return string(rune('a'+i%26)) + strings.Repeat("x", 1+i) + "=" + strings.Repeat("y", 256)
			})},
			"Baggage": {worst(64, "%0A")},
		},
	}
}

// TestCost holds what one request may cost: 100 KB, and 100 µs, for which a slow
// machine gets more; BenchmarkExtract gives the figure. The time is the best of
// many, so that other work disturbs it little.
func TestCost(t *testing.T) {
	logged(t)
	for name, h := range hostile() {
		t.Run(name, func(t *testing.T) {
			const rounds = 200
			best := time.Hour
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range rounds {
				began := time.Now()
				Extract(context.Background(), h)
				best = min(best, time.Since(began))
			}
			runtime.ReadMemStats(&after)
			if bytes := (after.TotalAlloc - before.TotalAlloc) / rounds; bytes > 100_000 {
				t.Errorf("%d bytes, want at most 100 000", bytes)
			}
			if limit := 100 * time.Microsecond * slowness; best > limit {
				t.Errorf("%v, want at most %v", best, limit)
			}
		})
	}
}

func BenchmarkExtract(b *testing.B) {
	logged(b)
	for name, h := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Extract(context.Background(), h)
			}
		})
	}
}

func BenchmarkReceiveFromStranger(b *testing.B) {
	logged(b)
	for name, h := range hostile() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Config{}.Receive(context.Background(), h)
			}
		})
	}
}

func BenchmarkInject(b *testing.B) {
	logged(b)
	for name, h := range hostile() {
		ctx := Extract(context.Background(), h)
		if baggage.FromContext(ctx).Len() == 0 && !current(ctx).IsValid() {
			continue
		}
		_, node := start(ctx, b)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Inject(node, Header{})
			}
		})
	}
}
