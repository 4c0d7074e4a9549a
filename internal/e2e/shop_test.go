//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

// orders is what the shop has to do: of each price that leaves a rest of 3 when
// divided by 5 the check fails, of 1 its first attempt.
const orders = 40

// shop is a program: pipelines whose nodes make spans, metrics and log records of
// their own. It keeps what they made.
type shop struct {
	tel    *spanloom.Telemetry
	hooks  callbacktest.Recorder
	orders metric.Int64Counter

	mu       sync.Mutex
	spans    map[string]span            // that nodes opened, by id
	attempts map[string]map[int]string  // span ids that nodes saw: by node and attempt
	records  map[string]map[string]bool // messages, by trace and span id
}

func newShop(t *testing.T, tel *spanloom.Telemetry) *shop {
	t.Helper()
	counter, err := tel.MeterProvider().Meter("shop").Int64Counter("shop.orders", metric.WithUnit("{order}"))
	if err != nil {
		t.Fatal(err)
	}
	return &shop{
		tel: tel, orders: counter,
		spans: map[string]span{}, attempts: map[string]map[int]string{}, records: map[string]map[string]bool{},
	}
}

// work is what every node does beside its own: it opens a span inside its own,
// counts and logs.
func (s *shop) work(ctx context.Context, what string) {
	cc := callbacks.FromContext(ctx)
	outer := trace.SpanContextFromContext(ctx)
	begin := time.Now()
	ctx, look := s.tel.TracerProvider().Tracer("shop").Start(ctx, "look up", trace.WithTimestamp(begin))
	own := look.SpanContext()
	message := what + " " + cc.Path()
	s.tel.Logger().InfoContext(ctx, message, slog.Int("attempt", cc.Attempt())) //nolint:sloglint // to be found by it
	s.orders.Add(ctx, 1)
	end := begin.Add(time.Microsecond)
	if strings.HasPrefix(what, "fetch") {
		look.SetStatus(codes.Error, "not found")
	}
	look.End(trace.WithTimestamp(end))

	s.mu.Lock()
	defer s.mu.Unlock()
	made := span{
		Name: "look up", Trace: own.TraceID().String(), Parent: outer.SpanID().String(), Kind: "internal",
		Status: "Unset", Start: begin.UnixNano(), End: end.UnixNano(), Scope: "shop",
	}
	if strings.HasPrefix(what, "fetch") {
		made.Status = "Error not found"
	}
	s.spans[own.SpanID().String()] = made
	node := cc.SpanID().String()
	if cc.Kind() == callbacks.KindAttempt {
		node = cc.Parent().SpanID().String()
	}
	if s.attempts[node] == nil {
		s.attempts[node] = map[int]string{}
	}
	s.attempts[node][cc.Attempt()] = outer.SpanID().String()
	place := own.TraceID().String() + " " + own.SpanID().String()
	if s.records[place] == nil {
		s.records[place] = map[string]bool{}
	}
	s.records[place][message] = true
}

// daily prices orders in a nested pipeline, with a cache, reports, and checks
// them all although some checks fail.
func (s *shop) daily() *engine.Pipeline[[]int, []int] {
	fetch := engine.Node("fetch", func(ctx context.Context, in []int) ([]int, error) {
		s.work(ctx, "fetch")
		if n := callbacks.FromContext(ctx).Attempt(); n < 3 {
			return nil, fmt.Errorf("attempt %d: busy", n)
		}
		return in, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3, Delay: time.Millisecond}))
	price := engine.Node("price", func(ctx context.Context, n int) (int, error) {
		s.work(ctx, "price")
		spent, err := metrics.FromContext(ctx).Counter("shop.spent", "{coin}", "kind")
		if err != nil {
			return 0, err
		}
		spent.Add(ctx, 0.1*float64(n), "fruit")
		time.Sleep(time.Duration(n%3) * time.Millisecond)
		return 7 * n, nil
	}, engine.WithCache("1"))
	report := engine.Node("report", func(ctx context.Context, list []int) ([]int, error) {
		s.work(ctx, "report")
		return list, nil
	}, engine.WithTimeout(time.Minute))
	check := engine.Node("check", func(ctx context.Context, n int) (int, error) {
		s.work(ctx, "check")
		switch attempt := callbacks.FromContext(ctx).Attempt(); {
		case n == 7*8:
			panic("this one is bad: " + strings.Repeat("é", 300))
		case n/7%5 == 3, n/7%5 == 1 && attempt == 1:
			return 0, errors.New("too dear")
		}
		return n, nil
	}, engine.WithRetry(engine.Retry{Attempts: 2}))

	prices := engine.Define("prices", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, price, in, engine.WithConcurrency(8))
	})
	audit := engine.Define("audit", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, check, engine.Add(g, report, in), engine.ContinueOnError())
	})
	return engine.Define("daily", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Add(g, audit, engine.Add(g, prices, engine.Add(g, fetch, in)))
	})
}

// open opens for two days. Half of the second day's prices are those of the first.
func (s *shop) open(t *testing.T) {
	t.Helper()
	store, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	daily := s.daily()
	for day := range 2 {
		in := make([]int, orders)
		for i := range in {
			in[i] = i + day*orders/2
		}
		_, err := daily.Run(t.Context(), in, engine.Config{
			Callbacks: append(s.tel.Callbacks(), &s.hooks), Cache: store,
		})
		if failed := (*engine.Error)(nil); !errors.As(err, &failed) || !strings.Contains(err.Error(), "too dear") {
			t.Fatalf("day %d: %v", day, err)
		}
	}
	if bad := callbacktest.Check(s.hooks.Events()); bad != nil {
		t.Error(bad)
	}
}
