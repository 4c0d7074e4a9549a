// Package configschema checks configs by JSON Schemas. The schema of a backend is foreign
// input: what it may cost in time and memory is bounded.
package configschema

import (
	"bytes"
	"errors"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is a JSON Schema that is ready to check with. Its methods may be called
// concurrently.
type Schema struct {
	// Text is the schema as it was decoded.
	Text any

	compiled *jsonschema.Schema

	mu   sync.Mutex
	work *work // nil when it is not bounded
}

// Compile reads the schema of a backend. It opens no files and no addresses, and refuses
// what is too dear.
func Compile(raw []byte) (*Schema, error) { return compile(raw, &work{}) }

// Own reads a schema of Spanloom itself, whose checks cost what they cost.
func Own(raw []byte) (*Schema, error) { return compile(raw, nil) }

// alone keeps a schema from opening files or addresses.
type alone struct{}

func (alone) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not followed")
}

func compile(raw []byte, w *work) (s *Schema, err error) {
	defer recovered(w, &err)
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it is about
	}
	const address = "mem:///schema.json"
	c := jsonschema.NewCompiler()
	c.UseLoader(alone{})
	c.AssertFormat()
	if w != nil {
		if err := bounded(len(raw), text); err != nil {
			return nil, err
		}
		w.watch(c)
	}
	if err := c.AddResource(address, text); err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	compiled, err := c.Compile(address)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return &Schema{Text: text, compiled: compiled, work: w}, nil
}

// Check returns what the schema has against a value as a
// [jsonschema.ValidationError], and any other error when it cannot be checked.
func (s *Schema) Check(value any) (err error) {
	if s.work != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		*s.work = work{}
	}
	defer recovered(s.work, &err)
	return s.compiled.Validate(value) //nolint:wrapcheck // the caller takes it apart
}

// recovered makes an error of what the library panics with, without saying it, because
// that may be a value. A bound that was reached counts before what came of it.
func recovered(w *work, err *error) {
	if recover() != nil {
		*err = errors.New("it cannot be evaluated")
	}
	if w != nil && w.fault != nil {
		*err = w.fault
	}
}
