package spanloom_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/telemetry"
)

// A program that has an SDK of its own: the spans of node code go to its exporter
// and to the backends, and runs are part of its traces.
func ExampleWithProviders() {
	ctx := context.Background()
	exporter := tracetest.NewInMemoryExporter() // whatever the program has
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	tracer := provider.Tracer("example.com/app")

	tel, err := spanloom.Open(ctx,
		spanloom.WithEmbeddedManifest([]byte(`{version: "1", telemetry: {backends: [plugin: console]}}`)),
		spanloom.WithProviders(spanloom.Providers{Tracer: provider}))
	if err != nil {
		fmt.Println(err)
		return
	}
	// The spans of runs go to the backends; this sends them to the exporter too.
	runs := telemetry.NewCallback(telemetry.Exporters{Spans: exporter})

	load := engine.Node("load", func(ctx context.Context, n int) (int, error) {
		_, span := tracer.Start(ctx, "query")
		defer span.End()
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, load, n) })

	request, span := tracer.Start(ctx, "request")
	_, err = p.Run(request, 1, engine.Config{Callbacks: append(tel.Callbacks(), runs)})
	span.End()
	fmt.Println(err, runs.Flush(ctx))

	names := map[string]string{}
	for _, s := range exporter.GetSpans() {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, name := range []string{"query", "node load", "pipeline p"} {
		for _, s := range exporter.GetSpans() {
			if s.Name == name {
				fmt.Println(name, "is below", names[s.Parent.SpanID().String()])
			}
		}
	}
	_, _, _ = runs.Shutdown(ctx), tel.Shutdown(ctx), provider.Shutdown(ctx)
	// Output:
	// <nil> <nil>
	// query is below node load
	// node load is below pipeline p
	// pipeline p is below request
}
