// Package plugins_test checks what all in-tree backends have in common.
package plugins_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/console"
	"github.com/spanloom/spanloom/plugins/jaeger"
	"github.com/spanloom/spanloom/plugins/otlp"
)

func TestSchemas(t *testing.T) {
	for _, tc := range []struct {
		backend backend.Backend
		good    []string
		bad     []string
	}{
		{console.New(), []string{`{"color":"never","verbose":true}`}, []string{`{"color":"red"}`, `{"verbose":"yes"}`}},
		{jaeger.New(), otlpGood, otlpBad},
		{otlp.New(), otlpGood, otlpBad},
	} {
		t.Run(tc.backend.Name, func(t *testing.T) {
			schema := compile(t, tc.backend.Schema)
			for _, js := range append(tc.good, `{}`) {
				if err := schema.Validate(value(t, js)); err != nil {
					t.Errorf("%s: %v", js, err)
				}
				in, err := tc.backend.Open(t.Context(), backend.Config{JSON: json.RawMessage(js)})
				if err != nil {
					t.Errorf("%s: %v", js, err)
					continue
				}
				if err := in.Close(t.Context()); err != nil {
					t.Errorf("%s: Close: %v", js, err)
				}
			}
			for _, js := range append(tc.bad, `{"unknown":1}`, `[]`) {
				if schema.Validate(value(t, js)) == nil {
					t.Errorf("%s is valid", js)
				}
			}
			for key, p := range schema.Properties {
				if p.Description == "" {
					t.Errorf("%s has no description", key)
				}
			}
		})
	}
}

// otlpGood and otlpBad are configs of the backends that speak OTLP.
var (
	otlpGood = []string{
		`{"endpoint":"http://127.0.0.1:4317"}`,
		`{"endpoint":"collector","headers":{"x-scope-orgid":"7"}}`,
		`{"endpoint":"https://h/otlp","protocol":"http/protobuf","headers":{"k":"v"},"auth":{"bearer":"t","api_key":{"header":"x","value":"y"}},
		  "tls":{"server_name":"s"},"compression":"gzip","batch":{"size":1,"linger":"0s","queue":1},"timeout":"1ms"}`,
		`{"protocol":"grpc","compression":"none","batch":"low_latency","timeout":"10s"}`,
		`{"batch":"default"}`, `{"batch":"throughput"}`, `{"batch":{}}`, `{"tls":{},"endpoint":"https://h"}`,
	}
	otlpBad = []string{
		`{"endpoint":4317}`, `{"endpoint":null}`, `{"protocol":"http/json"}`, `{"headers":[]}`, `{"headers":{"k":1}}`, `{"auth":"t"}`,
		`{"auth":{"basic":"t"}}`, `{"auth":{"api_key":"k"}}`, `{"auth":{"api_key":{"header":"k"}}}`, `{"tls":true}`,
		`{"tls":{"insecure_skip_verify":true}}`, `{"compression":"br"}`, `{"batch":"fast"}`, `{"batch":5}`, `{"batch":{"size":0}}`,
		`{"batch":{"size":513}}`, `{"batch":{"queue":65537}}`, `{"batch":{"linger":5}}`, `{"batch":{"x":1}}`, `{"timeout":5}`,
	}
)

// TestOTLPSchemasAgree: what speaks OTLP has the same keys of the same forms.
func TestOTLPSchemasAgree(t *testing.T) {
	keys := func(b backend.Backend) any {
		doc := value(t, string(b.Schema)).(map[string]any)
		return withoutTexts(doc["properties"])
	}
	if diff := cmp.Diff(keys(otlp.New()), keys(jaeger.New())); diff != "" {
		t.Errorf("(-otlp +jaeger)\n%s", diff)
	}
}

// withoutTexts takes descriptions and examples out of a schema.
func withoutTexts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			if _, text := child.(string); text && key == "description" || key == "examples" {
				delete(v, key)
				continue
			}
			withoutTexts(child)
		}
	case []any:
		for _, child := range v {
			withoutTexts(child)
		}
	}
	return v
}

func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("config.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if s.DraftVersion != 2020 {
		t.Errorf("draft %d, want 2020-12", s.DraftVersion)
	}
	return s
}

func value(t *testing.T, js string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(js)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
