package conformance

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/spanloom/spanloom/internal/configschema"
)

// draft is the only one that hosts read.
const draft = "https://json-schema.org/draft/2020-12/schema"

// schema is the schema of a backend's config. A nil one takes no keys at all.
type schema struct{ compiled *configschema.Schema }

func compile(raw []byte) (*schema, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	s, err := configschema.Compile(raw)
	if err != nil {
		return nil, fmt.Errorf("hosts cannot use it: %w", err)
	}
	if m, ok := s.Text.(map[string]any); ok {
		if said, ok := m["$schema"]; ok && said != draft {
			return nil, fmt.Errorf("$schema is %v, want %s or nothing", said, draft)
		}
	}
	return &schema{s}, nil
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
	return s.compiled.Check(doc)
}
