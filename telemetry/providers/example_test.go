package providers_test

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/telemetry/providers"
)

// counter is a backend's instance that takes spans and log records.
type counter struct {
	callbacks.Base

	config         backend.Config
	spans, records int
}

func (c *counter) OnTraces(_ context.Context, r *coltracepb.ExportTraceServiceRequest) error {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			c.spans += len(ss.GetSpans())
		}
	}
	return nil
}

func (c *counter) OnLogs(_ context.Context, r *collogspb.ExportLogsServiceRequest) error {
	for _, rl := range r.GetResourceLogs() {
		for _, sl := range rl.GetScopeLogs() {
			c.records += len(sl.GetLogRecords())
		}
	}
	return nil
}

func (*counter) Flush(context.Context) error { return nil }

func (c *counter) Close(context.Context) error {
	fmt.Fprintln(c.config.Output, c.spans, "spans and", c.records, "log records")
	return nil
}

// A program's providers export to its backends.
func Example() {
	ctx := context.Background()
	host := pluginhost.Start(pluginhost.Spec{Name: "counter", Output: os.Stdout, Launch: pluginhost.InProcess(backend.Backend{
		Name: "counter", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) { return &counter{config: c}, nil },
	})})
	conn, err := pluginhost.NewConn(host)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := providers.New(conn, providers.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}

	log := otelslog.NewLogger("app", otelslog.WithLoggerProvider(p.LoggerProvider()))
	for page := range 3 {
		ctx, span := p.TracerProvider().Tracer("app").Start(ctx, "fetch page")
		log.InfoContext(ctx, "page fetched", "page", page)
		span.End()
	}

	// In this order: each hands on what it has to the next.
	_ = p.Shutdown(ctx)
	_ = host.Shutdown(ctx)
	_ = conn.Close()
	// Output: 3 spans and 3 log records
}
