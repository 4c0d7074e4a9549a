package manifest

import (
	"encoding/json"
	"time"
)

// defaultTimeout is long enough for one export to a collector that is up.
const defaultTimeout = 3 * time.Second

// build fills m from a document without faults. Names of the structs' fields
// and of the schema's properties are the same, so JSON carries one to the
// other; only what is computed is set by hand.
func (p *parser) build(doc any, m *Manifest) error {
	m.Telemetry.Enabled = true
	m.Telemetry.ShutdownTimeout = defaultTimeout
	m.Telemetry.Backends = []Backend{}
	if telemetry := at[map[string]any](doc, "telemetry"); telemetry["shutdown_timeout"] != nil {
		d, err := time.ParseDuration(at[string](telemetry, "shutdown_timeout"))
		if err != nil {
			return err
		}
		telemetry["shutdown_timeout"] = d
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, m); err != nil {
		return err
	}
	m.Plugins.Dirs = p.dirs(doc)
	entries := at[[]any](doc, "telemetry", "backends")
	for i := range m.Telemetry.Backends {
		b := &m.Telemetry.Backends[i]
		b.Name, _ = nameOf(entries[i].(map[string]any)) //nolint:forcetypeassert // the schema has checked it
		if len(b.Command) > 0 {
			b.Command[0] = p.abs(b.Command[0])
		}
		if b.Config == nil {
			b.Config = json.RawMessage("{}")
		}
	}
	return nil
}
