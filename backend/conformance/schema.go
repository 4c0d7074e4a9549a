package conformance

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// draft is the only one that hosts read.
const draft = "https://json-schema.org/draft/2020-12/schema"

// schema is the schema of a backend's config. A nil one takes no keys at all.
type schema struct{ compiled *jsonschema.Schema }

// alone keeps a schema from opening files or addresses.
type alone struct{}

func (alone) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not followed")
}

func compile(raw []byte) (s *schema, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	defer func() { // the schema is foreign input
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be read: %v", p)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if m, ok := doc.(map[string]any); ok {
		if said, ok := m["$schema"]; ok && said != draft {
			return nil, fmt.Errorf("$schema is %v, want %s or nothing", said, draft)
		}
	}
	const address = "mem:///schema.json"
	c := jsonschema.NewCompiler()
	c.UseLoader(alone{})
	if err := c.AddResource(address, doc); err != nil {
		return nil, fmt.Errorf("it is no JSON Schema: %w", err)
	}
	compiled, err := c.Compile(address)
	if err != nil {
		return nil, fmt.Errorf("it is no JSON Schema: %w", err)
	}
	return &schema{compiled}, nil
}

// takes says why the schema does not take a config.
func (s *schema) takes(config []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return fmt.Errorf("the config is not JSON: %w", err)
	}
	if s == nil {
		if m, ok := doc.(map[string]any); !ok || len(m) > 0 {
			return errors.New("an empty schema takes no keys at all")
		}
		return nil
	}
	return s.compiled.Validate(doc)
}
