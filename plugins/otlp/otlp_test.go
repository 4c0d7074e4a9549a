package otlp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestPrecedence: the config counts before the environment; headers come from
// the environment where the config has none.
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

// TestEnvironment: with nothing in the manifest the environment says it all, as
// it does to other programs with OpenTelemetry.
func TestEnvironment(t *testing.T) {
	c := otlptest.StartHTTP(t, nil, nil)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.Endpoint)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t1")
	in, err := New().Open(t.Context(), backend.Config{})
	if err != nil {
		t.Fatal(err)
	}
	hooktest.Start(in, hooktest.Config("daily")).OK(0)
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	r := c.Requests()
	if len(r) != 1 || r[0].Path != "/v1/traces" || r[0].Header.Get("Authorization") != "Bearer t1" ||
		r[0].Header.Get("Content-Encoding") != "gzip" || !strings.Contains(string(r[0].Body), "pipeline daily") {
		t.Errorf("%+v", r)
	}
}

func TestMistakes(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:s3cret@h:4317")
	for config, want := range map[string]string{
		`{}`:                              "OTEL_EXPORTER_OTLP_ENDPOINT: a user or password",
		`{"endpoint": ""}`:                "it is empty",
		`{"endpoint": "http://h:4318"}`:   "port is 4317",
		`{"endpoint": "http://h:16686"}`:  "web page",
		`{"endpont": "http://h:4317"}`:    "endpont",
		`{"endpoint": "ftp://h:4317"}`:    "http://host:4317",
		`{"endpoint": "http://h:4317/x"}`: "no path",
	} {
		c := backend.Config{JSON: json.RawMessage(config)}
		_, err := New().Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
		if checked := New().Check(c); checked == nil || checked.Error() != err.Error() {
			t.Errorf("%s: Check says %v, Open %v", config, checked, err)
		}
	}
}

// TestUnusedVariablesAreNotShown: a variable that the config overrides is not
// looked at, so that nothing of it comes out where errors are printed. The stock
// exporter prints the values of variables that it cannot read.
func TestUnusedVariablesAreNotShown(t *testing.T) {
	stderr, parent := otlptest.Alone(t,
		"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Bearer s3cret", "OTEL_EXPORTER_OTLP_ENDPOINT=http://%zz:s3cret",
		"OTEL_EXPORTER_OTLP_TIMEOUT=s3cret", "OTEL_EXPORTER_OTLP_CERTIFICATE=/s3cret")
	if parent {
		if stderr != "" {
			t.Errorf("standard error has %q", stderr)
		}
		return
	}
	c := otlptest.Start(t, nil)
	in, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(`{"endpoint":"` + c.Endpoint + `","headers":{},"timeout":"1s"}`)})
	if err != nil {
		t.Fatal(err)
	}
	hooktest.Start(in, hooktest.Config("daily")).OK(0)
	if err := in.Close(t.Context()); err != nil || len(c.Spans()) != 1 {
		t.Errorf("%v, %d spans", err, len(c.Spans()))
	}
}
