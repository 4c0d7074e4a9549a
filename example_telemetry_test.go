package spanloom_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

// A node makes a span, a metric and a log record of its own.
func ExampleTelemetry() {
	ctx := context.Background()
	tel, err := spanloom.Open(ctx, spanloom.WithEmbeddedManifest([]byte(`
version: "1"
telemetry:
  backends:
    - plugin: console
`)))
	if err != nil {
		fmt.Println(err) // the mistakes of the manifest, each with its place
		return
	}

	price := engine.Node("price", func(ctx context.Context, article string) (int, error) {
		tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("example.com/shop")
		ctx, span := tracer.Start(ctx, "look up") // below the span of the node
		defer span.End()

		asked, err := metrics.FromContext(ctx).Counter("shop.lookups", "{lookup}", "article")
		if err != nil {
			return 0, err
		}
		asked.Add(ctx, 1, article)

		tel.Logger().InfoContext(ctx, "asked", "article", article) // on standard error too
		fmt.Println("in the trace of the run:", span.SpanContext().TraceID() == trace.TraceID(callbacks.FromContext(ctx).TraceID()))
		return 7, nil
	})
	shop := engine.Define("shop", func(g *engine.Graph, article engine.Value[string]) engine.Value[int] {
		return engine.Add(g, price, article)
	})
	fmt.Println(shop.Run(ctx, "bread", engine.Config{Callbacks: tel.Callbacks()}))

	if err := tel.Flush(ctx); err != nil {
		fmt.Println(err)
	}
	for _, s := range tel.Stats() {
		fmt.Println(s.Name, "lost", s.Lost())
	}
	fmt.Println(tel.Shutdown(ctx))
	// Output:
	// in the trace of the run: true
	// 7 <nil>
	// console lost 0
	// <nil>
}
