// Package plugins_test checks what all in-tree backends have in common.
package plugins_test

import (
	"bytes"
	"encoding/json"
	"testing"

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
		{jaeger.New(), []string{`{"endpoint":"http://127.0.0.1:4317"}`}, []string{`{"endpoint":4317}`}},
		{otlp.New(), []string{`{"endpoint":"http://127.0.0.1:4317"}`}, []string{`{"endpoint":null}`}},
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
