package logs_test

import (
	"context"
	"fmt"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/logs"
)

// printing is an exporter of OpenTelemetry; a program takes otlploggrpc.
type printing struct{ node *callbacks.CallbackContext }

func (p *printing) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		fmt.Println("exported:", r.Body().AsString(), r.SeverityText(),
			r.TraceID().String() == p.node.TraceID().String(), r.SpanID().String() == p.node.SpanID().String())
	}
	return nil
}

func (*printing) Shutdown(context.Context) error   { return nil }
func (*printing) ForceFlush(context.Context) error { return nil }

func ExampleNewForwarder() {
	exporter := &printing{}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	logger, err := logs.New(out, logs.Config{Format: "text", Provider: provider})
	if err != nil {
		fmt.Println(err)
		return
	}

	fetch := engine.Node("fetch", func(ctx context.Context, page int) (int, error) {
		exporter.node = callbacks.FromContext(ctx)
		logger.InfoContext(ctx, "fetched")
		return page, nil
	})
	_, _ = pipeline("daily", fetch).Run(context.Background(), 7, engine.Config{RunID: "r1"})

	if err := provider.Shutdown(context.Background()); err != nil { // it is the program's
		fmt.Println(err)
	}
	// Output:
	// time=… level=INFO msg=fetched trace_id=… span_id=… trace_flags=01 spanloom.run.id=r1 spanloom.pipeline.name=daily spanloom.path=daily/fetch spanloom.node.name=fetch spanloom.depth=0 spanloom.attempt.number=1
	// exported: fetched INFO true true
}
