package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// run returns the context of a run's root pipeline.
func run(ctx context.Context, values ...callbacks.ContextValue) *callbacks.CallbackContext {
	id, ok := propagation.OTel{}.RunIdentity(ctx)
	if !ok || len(values) == 0 {
		id = callbacks.Identity{TraceID: callbacks.TraceID{0xab, 15: 1}, Flags: 1}
	}
	return callbacks.NewRun(ctx, callbacks.RunConfig{
		ID:       "r1",
		Identity: id,
		SpanID:   callbacks.SpanID{0xcd, 7: 1},
		Pipeline: &callbacks.Node{Name: "daily"},
		Runner:   "local",
		Values:   values,
	})
}

// inside begins a scope in cc.
func inside(cc *callbacks.CallbackContext, kind callbacks.Kind, name string, index, attempt int) *callbacks.CallbackContext {
	child := &callbacks.CallbackContext{}
	cc.Begin(child, callbacks.Scope{
		Kind: kind, Node: &callbacks.Node{Name: name}, Index: int32(index), Attempt: uint16(attempt),
	})
	return child
}

func node(ctx context.Context, values ...callbacks.ContextValue) *callbacks.CallbackContext {
	return inside(run(ctx, values...), callbacks.KindNode, "fetch", -1, 1)
}

func remote(flags trace.TraceFlags) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x12, 15: 1}, SpanID: trace.SpanID{0x34, 7: 1}, TraceFlags: flags, Remote: true,
	})
}

// buffer is a writer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// records decodes the lines that were written.
func (b *buffer) records(t *testing.T) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in the line %s", err, line)
		}
		list = append(list, m)
	}
	return list
}
