//go:build unix

package pluginhost

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestExportersWithoutACollector: an exporter of OpenTelemetry says what its gRPC says,
// and what it has not exported stays.
func TestExportersWithoutACollector(t *testing.T) {
	t.Parallel()
	endpoint, dir := otlptest.Refused(t), spoolDir(t)
	spec := Spec{Name: "x", Durable: &Durable{Dir: dir}, retryDelay: 5 * time.Millisecond, Launch: InProcess(backend.Backend{
		Name: "x", Linger: time.Millisecond,
		Open: func(ctx context.Context, c backend.Config) (backend.Instance, error) {
			spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithTimeout(100*time.Millisecond),
				otlptracegrpc.WithEndpoint(strings.TrimPrefix(endpoint, "http://")), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
			if err != nil {
				return nil, err
			}
			return backend.FromExporters(c, backend.Exporters{Spans: spans})
		},
	})}
	h := start(t, spec)
	for range 5 {
		run := hooktest.Start(h, hooktest.Config("daily"))
		run.Node("fetch").OK(0)
		stored(t, h)
		run.OK(0)
		stored(t, h)
	}
	tried := func() (n uint64) {
		for _, c := range h.Stats().Calls {
			if c.Method == "Stream" && c.ErrorType == exportFailed {
				for _, one := range c.Buckets {
					n += one
				}
			}
		}
		return n
	}
	await(t, 10*time.Second, "tried often", func() bool { return tried() > 10*maxTries })
	if st := h.Stats(); st.Lost() > 0 || st.Kept == 0 {
		t.Fatalf("%+v", st)
	}
	c := otlptest.StartOn(t, otlptest.Listen(t, strings.TrimPrefix(endpoint, "http://")), nil)
	flushWithin(t, h)
	if st := h.Stats(); st.Lost() > 0 || st.Kept > 0 {
		t.Errorf("%+v", st)
	}
	if n := len(c.AllSpans()); n < 10 {
		t.Errorf("%d spans arrived, want 10", n)
	}
}
