package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// encoded is an input as JSON, or why it has no such form.
type encoded struct {
	data   json.RawMessage
	digest string
	err    error
}

func encode(v any, kind columnKind) encoded {
	data, err := encodeValue(v, kind.typ())
	if err != nil {
		return encoded{err: err}
	}
	return encoded{data: data, digest: digest(data)}
}

// encodedInputs returns the inputs of a node or item as JSON, made once.
func (g *guarded) encodedInputs() []encoded {
	if g.inputs == nil {
		kinds := g.op.step.ins
		if p := g.op.step.paired; p != nil && g.mapping == nil {
			kinds = []columnKind{p.kind}
		}
		g.inputs = make([]encoded, len(kinds))
		for i, kind := range kinds {
			if g.mapping != nil && i > 0 {
				g.inputs[i] = g.mapping.sharedInput(i, kind)
			} else {
				g.inputs[i] = encode(g.input(i), kind)
			}
		}
	}
	return g.inputs
}

// inputKey returns a digest of the inputs; "" when one has no JSON form.
func inputKey(inputs []encoded) string {
	var all strings.Builder
	for _, in := range inputs {
		if in.err != nil {
			return ""
		}
		fmt.Fprintln(&all, in.digest)
	}
	return digest([]byte(all.String()))
}

// sharedInput returns an input that all items of a map have.
func (m *mapping) sharedInput(i int, kind columnKind) encoded {
	s := &m.shared[i]
	s.once.Do(func() { s.encoded = encode(m.in(0, i), kind) })
	return s.encoded
}

// shared is an input of all items of a map.
type shared struct {
	once sync.Once
	encoded
}
