package backend_test

import (
	"context"
	"fmt"
	"io"
	"os"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/pluginhost"
)

// names stands for any exporter of OpenTelemetry's SDK.
type names struct{ out io.Writer }

func (n names) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Fprintln(n.out, s.Name())
	}
	return nil
}

func (names) Shutdown(context.Context) error { return nil }

// Any exporter of OpenTelemetry's SDK becomes a backend.
func ExampleFromExporters() {
	type config struct {
		Verbose bool `json:"verbose,omitzero" jsonschema:"whatever the exporter wants to know"`
	}
	b := backend.New("names", config{}, func(_ context.Context, c backend.Config, _ config) (backend.Instance, error) {
		return backend.FromExporters(c, backend.Exporters{Spans: names{c.Output}})
	})
	try(b, `{ "verbose": true }`)
	// Output:
	// node fetch
	// pipeline daily
}

// try gives a backend a run, in a host.
func try(b backend.Backend, config string) {
	host := pluginhost.Start(pluginhost.Spec{
		Name: "main", Launch: pluginhost.InProcess(b), Config: []byte(config), Output: os.Stdout,
	})
	run := hooktest.Start(host, hooktest.Config("daily"))
	run.Node("fetch").OK(0)
	run.OK(0)
	if err := host.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
}
