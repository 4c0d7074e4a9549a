package providers

import (
	"context"
	"strings"
	"testing"

	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestWhatTheSDKPrints makes providers with variables that no exporter can read.
// Where to send to is none of their business: the connection is given.
func TestWhatTheSDKPrints(t *testing.T) {
	// None of the exporters reads these.
	env := []string{"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Bearer canary-key", "OTEL_EXPORTER_OTLP_ENDPOINT=http://user:canary-password@ho st:port"}
	for _, signal := range []string{"TRACES_", "LOGS_", "METRICS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		env = append(env,
			prefix+"HEADERS=Authorization: Bearer canary-key,bad key=canary-key,authorization=%zzcanary-key",
			prefix+"ENDPOINT=http://user:canary-password@ho st:port",
			prefix+"INSECURE=canary", prefix+"COMPRESSION=canary", prefix+"TIMEOUT=canary")
	}
	env = append(env, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=/canary", "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE=/canary",
		"OTEL_EXPORTER_OTLP_TIMEOUT=canary", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=canary", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=canary")
	stderr, parent := otlptest.Alone(t, env...)
	if parent {
		if stderr != "" {
			t.Errorf("printed:\n%s", stderr)
		}
		return
	}
	use(t)
}

// TestTheEnvironmentIsForBackends: whatever the variables say of collectors, metrics go
// over the connection as spans and log records do.
func TestTheEnvironmentIsForBackends(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:24317", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://user:canary@host:port",
		"OTEL_EXPORTER_OTLP_HEADERS": "Authorization: Bearer canary", "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "authorization=%zzcanary",
		"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
		"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			var sent []*metricspb.Metric
			p, err := New(sink(t, func(_ string, data []byte) {
				var r colmetricspb.ExportMetricsServiceRequest
				if err := proto.Unmarshal(data, &r); err != nil {
					t.Error(err)
				}
				for _, m := range r.GetResourceMetrics() {
					sent = append(sent, m.GetScopeMetrics()[0].GetMetrics()...)
				}
			}), Config{})
			if err != nil {
				t.Fatal(err)
			}
			count(p)
			h, _ := p.MeterProvider().Meter("t").Float64Histogram("h")
			h.Record(t.Context(), 1)
			if err := p.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if line, _ := p.Lost(); line != "" {
				t.Error(line)
			}
			if len(sent) != 2 || sent[0].GetSum().GetAggregationTemporality() != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE || sent[1].GetHistogram() == nil {
				t.Errorf("sent %v", sent)
			}
		})
	}
}

// TestWhatTheSDKPrintsNevertheless holds what docs/privacy.md says of the variables
// that the SDK reads whatever it is given. When it fails because less is printed,
// the page has less to say.
func TestWhatTheSDKPrintsNevertheless(t *testing.T) {
	stderr, parent := otlptest.Alone(t,
		"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE=/certificate-of-logs",
		"OTEL_RESOURCE_ATTRIBUTES=resource", "OTEL_TRACES_SAMPLER=sampler",
	)
	if !parent {
		use(t)
		return
	}
	for _, value := range []string{"/certificate-of-logs", "resource", "sampler"} {
		if !strings.Contains(stderr, value) {
			t.Errorf("%s is not printed in:\n%s", value, stderr)
		}
	}
}

// use makes providers for a connection that takes everything, and a span, a metric
// and a record.
func use(t *testing.T) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:nowhere", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p, err := New(conn, Config{})
	if err != nil {
		t.Fatal(err)
	}
	span(p)
	count(p)
	record(p)
	if err := p.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if st := p.Stats(); st.Spans.Exported != 1 || st.Metrics.Exported == 0 || st.Logs.Exported != 1 {
		t.Errorf("%+v", st)
	}
}
