package manifest

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// CheckConfig reports, as [Errors], what a JSON schema says against the config
// of the i-th backend. It is for a backend whose schema is known only when it
// runs; Parse has done the same for those that it knew. It may be called from
// several goroutines.
func (m *Manifest) CheckConfig(i int, schema []byte) error {
	s, err := compileSchema(schema)
	if err != nil {
		return fmt.Errorf("the config cannot be checked: the schema is invalid: %s", oneLine(err))
	}
	config, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Telemetry.Backends[i].Config))
	if err != nil {
		return fmt.Errorf("the config cannot be checked: %w", err)
	}
	p := newParser(m.text)
	pl := entryPlace(p, i, "config")
	if err := p.checkSchema(s, config, pl.node, pl.path); err != nil {
		return fmt.Errorf("the config cannot be checked: %w", err)
	}
	if len(p.errs) == 0 {
		return nil
	}
	return Errors(tidy(p.errs))
}
