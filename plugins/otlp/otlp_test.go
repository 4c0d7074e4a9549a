package otlp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/plugins/internal/otlptest"
)

func TestEndpoint(t *testing.T) {
	configured := "http://config:4317"
	traces, both := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, tc := range []struct {
		config      *string
		env         map[string]string
		raw, source string
	}{
		{&configured, map[string]string{traces: "a", both: "b"}, configured, ""},
		{nil, map[string]string{traces: "a", both: "b"}, "a", traces},
		{nil, map[string]string{both: "b"}, "b", both},
		{nil, nil, defaultEndpoint, ""},
	} {
		raw, source := config{tc.config}.endpoint(func(name string) string { return tc.env[name] })
		if raw != tc.raw || source != tc.source {
			t.Errorf("%q from %q, want %q from %q", raw, source, tc.raw, tc.source)
		}
	}
}

// TestPrecedence: the config counts before the environment, which the exporter
// reads too; headers come from the environment.
func TestPrecedence(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k1")
	c := otlptest.Start(t, nil)
	in, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(`{"endpoint":"` + c.Endpoint + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	hooktest.Start(in, hooktest.Config("daily")).OK(0)
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if c.Spans()["pipeline daily"] == nil {
		t.Error("the span did not arrive")
	}
	if got := c.Headers().Get("api-key"); len(got) != 1 || got[0] != "k1" {
		t.Errorf("api-key %v, want k1", got)
	}
}

func TestMistakes(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:s3cret@h:4317")
	for config, want := range map[string]string{
		`{}`:                              "OTEL_EXPORTER_OTLP_ENDPOINT: a user or password",
		`{"endpoint": ""}`:                "scheme is missing",
		`{"endpoint": "http://h:4318"}`:   "port is 4317",
		`{"endpont": "http://h:4317"}`:    "endpont",
		`{"endpoint": "h:4317"}`:          "http://host:4317",
		`{"endpoint": "http://h:4317/x"}`: "no path",
	} {
		_, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(config)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	if !json.Valid(New().Schema) {
		t.Error("the schema is not JSON")
	}
}
