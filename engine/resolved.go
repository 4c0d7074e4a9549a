package engine

import (
	"encoding/json"
	"fmt"
)

const (
	// maxResolved bounds the explanation that is kept with a run, in bytes.
	maxResolved = 1 << 20
	// maxResolvedSteps is where a try to keep within it begins.
	maxResolvedSteps = 4096
)

// resolved returns the configuration that is kept with a run: what Explain tells
// of the pipeline, and Config.Record. Of a very large pipeline, steps inside
// others are left out.
func resolved(def *definition, c Config) (json.RawMessage, error) {
	var all struct {
		Pipeline json.RawMessage `json:"pipeline"`
		Record   json.RawMessage `json:"record,omitempty"`
	}
	var err error
	if c.Record != nil {
		if all.Record, err = json.Marshal(c.Record); err != nil {
			return nil, fmt.Errorf("run: Config.Record cannot be encoded as JSON: %w", err)
		}
	}
	for limit := maxResolvedSteps; ; limit /= 4 {
		all.Pipeline, err = explain(def, c, limit).MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("run: the configuration cannot be encoded as JSON: %w", err)
		}
		if len(all.Pipeline) <= maxResolved || limit == 0 {
			return json.Marshal(all)
		}
	}
}
