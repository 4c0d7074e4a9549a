package telemetry_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/telemetry"
)

func Example() {
	exporter := tracetest.NewInMemoryExporter() // or any other of the SDK
	tel := telemetry.NewCallback(telemetry.Exporters{Spans: exporter})

	// An engine calls the hooks; here it is done by hand.
	run := hooktest.Start(tel, hooktest.Config("daily"))
	run.Node("fetch").OK(0)
	run.OK(0)

	if err := tel.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range exporter.GetSpans() {
		fmt.Println(s.Name)
	}
	_ = tel.Shutdown(context.Background())
	// Output:
	// node fetch
	// pipeline daily
}
