package providers

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestWhatTheSDKPrints makes providers with variables that no exporter can read.
// Where to send to is none of their business: the connection is given.
func TestWhatTheSDKPrints(t *testing.T) {
	// The exporters of spans and of log records read none of these.
	var env []string
	for _, signal := range []string{"TRACES_", "LOGS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		env = append(env,
			prefix+"HEADERS=Authorization: Bearer canary-key,bad key=canary-key,authorization=%zzcanary-key",
			prefix+"ENDPOINT=http://user:canary-password@ho st:port",
			prefix+"INSECURE=canary", prefix+"COMPRESSION=canary", prefix+"TIMEOUT=canary")
	}
	env = append(env, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=/canary")
	stderr, parent := otlptest.Alone(t, env...)
	if parent {
		if stderr != "" {
			t.Errorf("printed:\n%s", stderr)
		}
		return
	}
	use(t)
}

// TestWhatTheSDKPrintsNevertheless holds what docs/privacy.md says of the variables
// that the SDK reads whatever it is given. When it fails because less is printed,
// the page has less to say.
func TestWhatTheSDKPrintsNevertheless(t *testing.T) {
	stderr, parent := otlptest.Alone(t,
		"OTEL_EXPORTER_OTLP_METRICS_HEADERS=Authorization: Bearer headers",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://user:endpoint@ho st:port",
		"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT=timeout",
		"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE=/certificate-of-metrics",
		"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE=/certificate-of-logs",
		"OTEL_RESOURCE_ATTRIBUTES=resource", "OTEL_TRACES_SAMPLER=sampler",
	)
	if !parent {
		use(t)
		return
	}
	for _, value := range []string{"headers", "endpoint", "timeout", "/certificate-of-metrics", "/certificate-of-logs", "resource", "sampler"} {
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
	if st := p.Stats(); st.Spans.Exported != 1 || st.Logs.Exported != 1 {
		t.Errorf("%+v", st)
	}
}
