package telemetry_test

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/propagation"
	"github.com/spanloom/spanloom/telemetry"
)

func ExampleCurrent() {
	exporter := tracetest.NewInMemoryExporter()
	spans := telemetry.NewCallback(telemetry.Exporters{Spans: exporter})

	price := engine.Node("price", func(ctx context.Context, customer string) (int, error) {
		telemetry.Current(ctx).SetAttributes(attribute.String("shop.customer", customer))
		telemetry.Current(ctx).AddEvent("discount")
		err := errors.New("no stock")
		telemetry.RecordError(ctx, err)
		return 0, fmt.Errorf("price: %w", err) // recorded once
	})
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[string]) engine.Value[int] {
		return engine.Add(g, price, in)
	})
	_, _ = p.Run(context.Background(), "ann", engine.Config{Callbacks: []callbacks.PipelineCallback{spans}})

	if err := spans.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range exporter.GetSpans() {
		fmt.Println(s.Name)
		for _, kv := range s.Attributes {
			if kv.Key == "shop.customer" {
				fmt.Println(" ", kv.Key, kv.Value.String())
			}
		}
		for _, ev := range s.Events {
			fmt.Println("  event", ev.Name)
		}
	}
	_ = spans.Shutdown(context.Background())
	// Output:
	// node price
	//   shop.customer ann
	//   event discount
	//   event exception
	// pipeline p
}

func ExampleTraced() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)) // spanloom.Open brings one

	lookUp := telemetry.Traced("look up", func(_ context.Context, name string) (int, error) {
		return len(name), nil
	})
	count := engine.Node("count", func(ctx context.Context, name string) (int, error) {
		ctx, span := telemetry.Span(ctx, "all", attribute.String("shop.name", name))
		defer span.End()
		return lookUp(ctx, name)
	})
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[string]) engine.Value[int] {
		return engine.Add(g, count, in)
	})
	n, err := p.Run(context.Background(), "ann", engine.Config{Callbacks: []callbacks.PipelineCallback{
		telemetry.Sampler{OTel: propagation.OTel{Provider: provider}, Ratio: 1},
	}})
	fmt.Println(n, err)
	for _, s := range exporter.GetSpans() {
		fmt.Println(s.Name)
	}
	_ = provider.Shutdown(context.Background())
	// Output:
	// 3 <nil>
	// look up
	// all
}
