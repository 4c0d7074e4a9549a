package telemetry

import (
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otlpspan"
)

// step is what the spans of a step have in common, whatever run they are from.
type step struct {
	name, version                              string
	pipeline, node, mapped, item, attempt, job string // names of spans

	ofPipelines, ofNodes, ofItems *shared // attributes

	usual atomic.Pointer[usual]
}

// usual is how a node most often ends, at the place where it was first seen to: by
// then all attributes are known but the path.
type usual struct {
	depth  int
	runner string
	shared *shared
}

// usually returns the attributes of a node that has ended in the usual way, but for
// its path; nil if it has not, or at another place than before.
func (st *step) usually(cc *callbacks.CallbackContext, ev *callbacks.NodeEnd) *shared {
	if ev.Attempts != 1 || ev.Result != callbacks.ResultSuccess || cc.Kind() != callbacks.KindNode {
		return nil
	}
	u := st.usual.Load()
	if u == nil {
		u = &usual{cc.Depth(), cc.Runner(), newShared(st.ofNodes.list, []attribute.KeyValue{
			keyDepth.Int(cc.Depth()), keyStrategy.String(strategy(cc.Runner())),
			keyAttemptCount.Int(ev.Attempts), keyResult.String(ev.Result.String()),
		})}
		st.usual.Store(u)
	}
	if u.depth != cc.Depth() || u.runner != cc.Runner() {
		return nil
	}
	return u.shared
}

// shared are attributes that many spans begin with. They are encoded once.
type shared struct {
	list    []attribute.KeyValue
	encoded []byte
}

func newShared(lists ...[]attribute.KeyValue) *shared {
	list := slices.Concat(lists...)
	return &shared{list, otlpspan.Encode(list)}
}

// newStep returns what the spans of a step have in common; all is what all spans have.
func newStep(n *callbacks.Node, all []attribute.KeyValue) *step {
	name := valid(n.Name)
	st := &step{
		name:     name,
		version:  valid(n.Version),
		pipeline: callbacks.KindPipeline.String() + " " + name,
		node:     callbacks.KindNode.String() + " " + name,
		mapped:   callbacks.KindMap.String() + " " + name,
		item:     callbacks.KindMapItem.String() + " " + name,
		attempt:  callbacks.KindAttempt.String() + " " + name,
		job:      callbacks.KindJob.String() + " " + name,
	}
	nodeName := []attribute.KeyValue{keyNodeName.String(name)}
	st.ofPipelines = newShared(all, []attribute.KeyValue{keyPipelineName.String(name)})
	st.ofItems = newShared(all, nodeName)
	var node []attribute.KeyValue
	source := n.Source()
	for _, kv := range [...]attribute.KeyValue{
		keyNodeKind.String(valid(n.Type)),
		keyNodeSignature.String(valid(n.Signature)),
		semconv.CodeFunctionName(valid(source.Function)),
		semconv.CodeFilePath(valid(source.File)),
	} {
		if kv.Value.AsString() != "" {
			node = append(node, kv)
		}
	}
	if source.Line > 0 {
		node = append(node, semconv.CodeLineNumber(source.Line))
	}
	st.ofNodes = newShared(all, nodeName, node)
	return st
}

// maxSteps bounds the cache: a program that makes pipelines as it runs must not
// fill the memory with them.
const maxSteps = 4096

// steps caches the step of each node.
type steps struct {
	all   []attribute.KeyValue // of every span
	m     sync.Map             // *callbacks.Node to *step
	count atomic.Int64
}

func (c *steps) of(n *callbacks.Node) *step {
	if st, ok := c.m.Load(n); ok {
		return st.(*step) //nolint:forcetypeassert // nothing else is stored
	}
	st := newStep(n, c.all)
	if c.count.Add(1) > maxSteps {
		c.m.Clear()
		c.count.Store(1)
	}
	c.m.Store(n, st)
	return st
}
