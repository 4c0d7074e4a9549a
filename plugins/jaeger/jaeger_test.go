package jaeger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

func TestHints(t *testing.T) {
	for port, want := range map[string]string{
		"16686": "web page", "14268": "old protocols", "14250": "old protocols", "6831": "old protocols", "4318": "HTTP",
	} {
		_, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(`{"endpoint":"http://127.0.0.1:` + port + `"}`)})
		var ce *backend.ConfigError
		if !errors.As(err, &ce) || ce.Key != "endpoint" || !strings.Contains(ce.Message, want) || !strings.Contains(ce.Message, "4317") {
			t.Errorf("port %s: %v, want %q and 4317", port, err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	in, err := New().Open(t.Context(), backend.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if !json.Valid(New().Schema) {
		t.Error("the schema is not JSON")
	}
}

// TestNoForeignVariables: keys that the environment has for another place do not
// go to Jaeger, nor anywhere else.
func TestNoForeignVariables(t *testing.T) {
	stderr, parent := otlptest.Alone(t,
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=s3cret,Authorization: Bearer s3cret",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://%zz:s3cret", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT=s3cret")
	if parent {
		if stderr != "" {
			t.Errorf("standard error has %q", stderr)
		}
		return
	}
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
	if got := c.Headers().Get("api-key"); got != nil {
		t.Errorf("api-key %v was sent", got)
	}
}
