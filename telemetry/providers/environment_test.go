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
	// The exporters of spans and of log records read none of these; that of metrics is
	// not made.
	env := []string{"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Bearer canary-key", "OTEL_EXPORTER_OTLP_ENDPOINT=http://user:canary-password@ho st:port"}
	for _, signal := range []string{"TRACES_", "LOGS_", "METRICS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		env = append(env,
			prefix+"HEADERS=Authorization: Bearer canary-key,bad key=canary-key,authorization=%zzcanary-key",
			prefix+"ENDPOINT=http://user:canary-password@ho st:port",
			prefix+"INSECURE=canary", prefix+"COMPRESSION=canary")
	}
	env = append(env, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=/canary", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=canary", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=canary")
	stderr, parent := otlptest.Alone(t, env...)
	if parent {
		if stderr != "" {
			t.Errorf("printed:\n%s", stderr)
		}
		return
	}
	use(t)
}

// TestUnreadable: one variable at a time, and the line that tells of it.
func TestUnreadable(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=b,Authorization: Bearer canary", "entry 2 has no =; write name=value,name=value"},
		{"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "Authorization: Bearer canary=", "entry 1 has a name with other characters than those of a header"},
		{"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=%zzcanary", "the value of entry 1 has a % that is no escape; write %25"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:canary@ho st", "it is not a URL; write it like https://collector.example.com:4317"},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://user:canary@host:port", "it is not a URL; write it like https://collector.example.com:4317"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			t.Setenv(c.name, c.value)
			p, err := New(sink(t, func(string, []byte) {}), Config{})
			if err != nil {
				t.Fatal(err)
			}
			count(p)
			if err := p.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if line, _ := p.Lost(); line != "1 collection of metrics of the program lost: "+c.name+": "+c.want {
				t.Error(line)
			}
		})
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": " Authorization = Bearer%20x , x-y=a=b, ,", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "collector:4317",
	} {
		if err := unreadable(func(asked string) string { return map[string]string{name: value}[asked] }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatTheSDKPrintsNevertheless holds what docs/privacy.md says of the variables
// that the SDK reads whatever it is given. When it fails because less is printed,
// the page has less to say.
func TestWhatTheSDKPrintsNevertheless(t *testing.T) {
	stderr, parent := otlptest.Alone(t,
		"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT=timeout",
		"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE=/certificate-of-metrics",
		"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE=/certificate-of-logs",
		"OTEL_RESOURCE_ATTRIBUTES=resource", "OTEL_TRACES_SAMPLER=sampler",
	)
	if !parent {
		use(t)
		return
	}
	for _, value := range []string{"timeout", "/certificate-of-metrics", "/certificate-of-logs", "resource", "sampler"} {
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
