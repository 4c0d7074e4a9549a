package backend

import (
	"context"
	"encoding/json"
	"fmt"
)

// New returns a backend whose config is a C, a struct. Its schema is made of the
// fields, so that a manifest is checked, with the line of each mistake, before the
// backend is started:
//
//	type config struct {
//		URL     string           `json:"url" jsonschema:"where spans go"`
//		Format  string           `json:"format,omitzero" jsonschema:"how they are written" enum:"text,json"`
//		Timeout backend.Duration `json:"timeout" jsonschema:"the most time for a request"`
//	}
//
// The name of a key is that of the field's json tag, and its description the
// jsonschema tag; a string may have an enum tag with the values that it may have.
// What defaults holds is the default. A key is required if it has none and its field
// neither omitempty nor omitzero. Keys that C does not have are mistakes.
//
// For what a schema cannot say, C may have a method Check() error, which is then the
// backend's [Backend.Check].
//
// open is [Backend.Open], with the config decoded over the defaults. A C of which no
// schema can be made, as with a field that is a channel or a default that its enum tag
// does not have, makes every Open fail. Set the other fields of the backend as you like.
func New[C any](name string, defaults C, open func(ctx context.Context, c Config, config C) (Instance, error)) Backend {
	schema, values, err := schemaOf(name, defaults)
	decode := func(c Config) (config C, _ error) {
		if err != nil {
			return config, fmt.Errorf("backend %s: config %T: %w", name, config, err)
		}
		// Each config has maps and slices of its own.
		if err := json.Unmarshal(values, &config); err != nil {
			return config, fmt.Errorf("backend %s: defaults of %T: %w", name, config, err)
		}
		return config, c.Decode(&config)
	}
	b := Backend{
		Name: name, Schema: schema,
		Open: func(ctx context.Context, c Config) (Instance, error) {
			config, err := decode(c)
			if err == nil {
				err = check(&config)
			}
			if err != nil {
				return nil, err
			}
			return open(ctx, c, config)
		},
	}
	if _, ok := any(&defaults).(checker); ok {
		b.Check = func(c Config) error {
			config, err := decode(c)
			if err != nil {
				return err
			}
			return check(&config)
		}
	}
	return b
}

// checker is a config that knows more of what is wrong than its schema.
type checker interface{ Check() error }

func check(config any) error {
	if c, ok := config.(checker); ok {
		return c.Check()
	}
	return nil
}
