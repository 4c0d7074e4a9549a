package pluginhost

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/internal/configschema"
)

// maxSchema bounds the JSON schema of a backend's config, in bytes.
const maxSchema = configschema.MaxBytes

// checkSchema refuses a schema that is too large.
func checkSchema(schema []byte) error {
	if len(schema) <= maxSchema {
		return nil
	}
	return &StartError{
		Problem: NotABackend, Detail: fmt.Sprintf("the schema of its config has %d bytes, and may have %d", len(schema), maxSchema),
		Fix: "make the schema smaller, and check the rest in Open",
	}
}

// checkConfig checks the config with the schema of the backend, until ctx ends. A check
// that takes longer cannot be ended: it is given up, and so is the backend, for good.
func (s *Spec) checkConfig(ctx context.Context, schema []byte) error {
	if err := checkSchema(schema); err != nil || s.CheckConfig == nil || len(schema) == 0 {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.CheckConfig(schema) }()
	select {
	case err := <-done:
		return listed(err)
	case <-ctx.Done():
		return &StartError{
			Problem: NotABackend, Detail: fmt.Sprintf("its config could not be checked with its schema within %s", s.StartTimeout),
			Fix: "make the schema simpler", Err: ctx.Err(),
		}
	}
}
