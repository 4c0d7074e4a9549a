package telemetry

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/callbacks"
)

// step is what the spans of a step have in common, whatever run they are from.
type step struct {
	name, version                         string
	pipeline, node, mapped, item, attempt string // names of spans
	attributes                            []attribute.KeyValue
}

func newStep(n *callbacks.Node) *step {
	name := valid(n.Name)
	st := &step{
		name:     name,
		version:  valid(n.Version),
		pipeline: callbacks.KindPipeline.String() + " " + name,
		node:     callbacks.KindNode.String() + " " + name,
		mapped:   callbacks.KindMap.String() + " " + name,
		item:     callbacks.KindMapItem.String() + " " + name,
		attempt:  callbacks.KindAttempt.String() + " " + name,
	}
	st.attributes = append(st.attributes, keyNodeName.String(name))
	source := n.Source()
	for _, kv := range [...]attribute.KeyValue{
		keyNodeKind.String(valid(n.Type)),
		keyNodeSignature.String(valid(n.Signature)),
		semconv.CodeFunctionName(valid(source.Function)),
		semconv.CodeFilePath(valid(source.File)),
	} {
		if kv.Value.AsString() != "" {
			st.attributes = append(st.attributes, kv)
		}
	}
	if source.Line > 0 {
		st.attributes = append(st.attributes, semconv.CodeLineNumber(source.Line))
	}
	return st
}

// maxSteps bounds the cache: a program that makes pipelines as it runs must not
// fill the memory with them.
const maxSteps = 4096

// steps caches the step of each node.
type steps struct {
	m     sync.Map // *callbacks.Node to *step
	count atomic.Int64
}

func (c *steps) of(n *callbacks.Node) *step {
	if st, ok := c.m.Load(n); ok {
		return st.(*step) //nolint:forcetypeassert // nothing else is stored
	}
	st := newStep(n)
	if c.count.Add(1) > maxSteps {
		c.m.Clear()
		c.count.Store(1)
	}
	c.m.Store(n, st)
	return st
}
