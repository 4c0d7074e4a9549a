package conformance

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

// memory is a sink.
type memory struct {
	mu      sync.Mutex
	state   State
	changed chan struct{}
	ids     []string
}

func newMemory() *memory { return &memory{changed: make(chan struct{})} }

func (m *memory) sink() *Sink {
	return &Sink{
		Set: func(s State) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.state = s
			close(m.changed)
			m.changed = make(chan struct{})
		},
		Spans: func() []string {
			m.mu.Lock()
			defer m.mu.Unlock()
			return append([]string(nil), m.ids...)
		},
	}
}

func (m *memory) is(s State) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == s
}

func (m *memory) put(ctx context.Context, ids []string) error {
	for {
		m.mu.Lock()
		if m.state == Works {
			m.ids = append(m.ids, ids...)
		}
		state, changed := m.state, m.changed
		m.mu.Unlock()
		switch state {
		case Works:
			return nil
		case Fails:
			return errors.New("the sink refuses it")
		case Hangs:
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// reference is a backend that keeps all rules.
func reference(m *memory) backend.Backend {
	return backend.Backend{
		Name: "reference", Version: "1.2.3",
		Schema: []byte(`{"type":"object","properties":{"level":{"type":"integer"}},"additionalProperties":false}`),
		Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
			var config struct {
				Level int `json:"level"`
			}
			if err := c.Decode(&config); err != nil {
				return nil, err
			}
			if config.Level < 0 {
				return nil, &backend.ConfigError{Key: "level", Message: "write 0 or more"}
			}
			return &instance{sink: m}, nil
		},
	}
}

type instance struct {
	callbacks.Base
	sink    *memory
	pending []string
}

func (in *instance) ended(cc *callbacks.CallbackContext) {
	id := cc.SpanID()
	in.pending = append(in.pending, hex.EncodeToString(id[:]))
}

func (in *instance) OnPipelineEnd(cc *callbacks.CallbackContext, _ callbacks.PipelineEnd) {
	in.ended(cc)
}

func (in *instance) OnNodeEnd(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) { in.ended(cc) }

func (in *instance) OnNodeCached(cc *callbacks.CallbackContext, _ callbacks.NodeCached) { in.ended(cc) }

func (in *instance) OnMapEnd(cc *callbacks.CallbackContext, _ callbacks.MapEnd) { in.ended(cc) }

func (in *instance) OnMapItemEnd(cc *callbacks.CallbackContext, _ callbacks.MapItemEnd) { in.ended(cc) }

func (in *instance) OnMapItemCached(cc *callbacks.CallbackContext, _ callbacks.MapItemCached) {
	in.ended(cc)
}

func (in *instance) OnTraces(context.Context, *coltracepb.ExportTraceServiceRequest) error {
	return nil
}

func (in *instance) OnMetrics(context.Context, *colmetricspb.ExportMetricsServiceRequest) error {
	return nil
}

func (in *instance) OnLogs(context.Context, *collogspb.ExportLogsServiceRequest) error { return nil }

func (in *instance) Flush(ctx context.Context) error {
	ids := in.pending
	in.pending = nil
	if len(ids) == 0 {
		return nil
	}
	return in.sink.put(ctx, ids)
}

func (in *instance) Close(ctx context.Context) error { return in.Flush(ctx) }
