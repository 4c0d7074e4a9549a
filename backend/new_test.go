package backend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/spanloom/spanloom/backend"
)

type settings struct {
	URL     string            `json:"url"              jsonschema:"where spans go"`
	Format  string            `enum:"text,json"        json:"format,omitzero"                   jsonschema:"how they are written"`
	Timeout backend.Duration  `json:"timeout"          jsonschema:"the most time for a request"`
	Retries *int              `json:"retries,omitzero"`
	Labels  map[string]string `json:"labels,omitzero"`
	Rules   []rule            `json:"rules,omitzero"`
	Files   files             `json:"files"`
}

type files struct {
	Count int `json:"count"`
	Bytes int `json:"bytes,omitzero"`
}

type rule struct {
	Level string `enum:"low,high" json:"level"`
}

// Check knows what the schema does not.
func (s *settings) Check() error {
	if strings.HasPrefix(s.URL, "ftp:") {
		return &backend.ConfigError{Key: "url", Message: "use https"}
	}
	return nil
}

var standard = settings{Timeout: backend.Duration(time.Second), Labels: map[string]string{"a": "b"}, Files: files{Count: 5}}

const wantSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "zip", "type": "object", "additionalProperties": false,
	"required": ["url"],
	"properties": {
		"url": {"type": "string", "description": "where spans go"},
		"format": {"type": "string", "description": "how they are written", "enum": ["text", "json"]},
		"timeout": {"type": "string", "description": "the most time for a request", "default": "1s", "pattern": "^([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$", "examples": ["3s", "500ms", "1m30s"]},
		"retries": {"type": "integer"},
		"labels": {"type": "object", "default": {"a": "b"}, "additionalProperties": {"type": "string"}},
		"rules": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["level"],
			"properties": {"level": {"type": "string", "enum": ["low", "high"]}}}},
		"files": {"type": "object", "additionalProperties": false,
			"properties": {"count": {"type": "integer", "default": 5}, "bytes": {"type": "integer"}}}
	}
}`

func TestSchemaOfAConfig(t *testing.T) {
	b := backend.New("zip", standard, func(context.Context, backend.Config, settings) (backend.Instance, error) { return &instance{}, nil })
	var got, want any
	if err := errors.Join(json.Unmarshal(b.Schema, &got), json.Unmarshal([]byte(wantSchema), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config")
	if err != nil {
		t.Fatal(err)
	}
	for config, good := range map[string]bool{
		`{"url":"u"}`: true, `{"url":"u","files":{}}`: true, `{"url":"u","timeout":"1m30s","format":"json"}`: true,
		`{}`: false, `{"url":null}`: false, `{"url":"u","timeout":5}`: false, `{"url":"u","timeout":"-1s"}`: false,
		`{"url":"u","format":"xml"}`: false, `{"url":"u","rules":[{"level":"mid"}]}`: false, `{"url":"u","typo":1}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(config))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != good {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestConfigOverDefaults(t *testing.T) {
	var got settings
	b := backend.New("zip", standard, func(_ context.Context, _ backend.Config, c settings) (backend.Instance, error) {
		got = c
		return &instance{}, nil
	})
	for range 2 { // the first does not change the defaults
		if _, err := b.Open(t.Context(), backend.Config{JSON: []byte(`{"url":"u","labels":{"c":"d"},"files":{"bytes":7}}`)}); err != nil {
			t.Fatal(err)
		}
		want := settings{URL: "u", Timeout: backend.Duration(time.Second), Labels: map[string]string{"a": "b", "c": "d"}, Files: files{5, 7}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		got.Labels["x"] = "y"
	}
	if err := b.Check(backend.Config{JSON: []byte(`{"url":"https:"}`)}); err != nil {
		t.Error(err)
	}
	bad := backend.Config{JSON: []byte(`{"url":"ftp:"}`)}
	_, err := b.Open(t.Context(), bad)
	for _, err := range []error{err, b.Check(bad)} {
		if list := backend.AsConfigErrors(err); len(list) != 1 || list[0].Key != "url" {
			t.Errorf("%v", err)
		}
	}
	if _, err := b.Open(t.Context(), backend.Config{Name: "main", JSON: []byte(`{"typo":1}`)}); err == nil || err.Error() != "config.typo: there is no such key" {
		t.Error(err)
	}
}

// TestConfigsOfWhichNoSchemaIsMade: Open says why, so that the first test finds it.
func TestConfigsOfWhichNoSchemaIsMade(t *testing.T) {
	fails := func(b backend.Backend, want string) {
		t.Helper()
		if _, err := b.Open(t.Context(), backend.Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fails(opened(5), "it is no struct")
	fails(opened(struct{ Wait time.Duration }{}), "field Wait: time.Duration is a number of nanoseconds in JSON; use backend.Duration")
	fails(opened(struct{ Wait []time.Duration }{}), "use backend.Duration")
	fails(opened(struct {
		N int `enum:"1,2"`
	}{}), "field N: only strings have an enum tag")
	fails(opened(struct{ C chan int }{}), "unsupported type: chan int")
	type mode struct {
		Mode string `enum:"a,b" json:"mode"`
	}
	fails(opened(mode{"c"}), `defaults: mode: "c" is none of the values of its enum tag, a b`)
	fails(opened(struct{ Inner mode }{mode{"c"}}), `defaults: Inner.mode: "c" is none`)
	fails(opened(struct{ List []mode }{[]mode{{"a"}, {"c"}}}), `defaults: List.mode: "c" is none`)
	fails(opened(struct{ By map[string]*mode }{map[string]*mode{"x": {"c"}}}), `defaults: By.x.mode: "c" is none`)
}

func opened[C any](c C) backend.Backend {
	return backend.New("x", c, func(context.Context, backend.Config, C) (backend.Instance, error) { return &instance{}, nil })
}
