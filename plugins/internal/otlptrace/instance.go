package otlptrace

import (
	"context"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/internal/pace"
	"github.com/spanloom/spanloom/plugins/internal/otlpclient"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

// instance is a callback of package telemetry as a backend's instance.
type instance struct {
	*telemetry.Callback

	exporter *exporter
}

var _ backend.Instance = instance{}

// Flush implements backend.Instance. Of an export that failed it gives the cause
// only: the host counts what was lost, in events.
func (i instance) Flush(ctx context.Context) error { return cause(i.Callback.Flush(ctx)) }

func cause(err error) error {
	if said := causes(err); said != nil {
		return said
	}
	return err
}

// ready is how many spans Flush would export.
func (i instance) ready() int {
	s := i.Stats()
	return int(s.Queued - s.Held)
}

// Close implements backend.Instance. It says what Flush says.
func (i instance) Close(ctx context.Context) error { return cause(i.Shutdown(ctx)) }

// Open returns an instance that exports the spans of runs and of programs as s
// says.
func Open(ctx context.Context, s otlpconfig.Settings, c backend.Config) (backend.Instance, error) {
	return open(ctx, s, c)
}

// OpenAll is Open for an endpoint that takes the metrics and log records of
// programs too.
func OpenAll(ctx context.Context, s otlpconfig.Settings, c backend.Config) (backend.Instance, error) {
	f, err := open(ctx, s, c)
	if err != nil {
		return nil, err
	}
	return forwardingAll{f}, nil
}

func open(ctx context.Context, s otlpconfig.Settings, c backend.Config) (*forwarding, error) {
	client, err := otlpclient.New(s)
	if err != nil {
		return nil, err
	}
	spans := &exporter{client: client, size: s.Batch.Size}
	in := instance{telemetry.NewCallback(telemetry.Exporters{
		Spans: spans, Resource: otelresource.Of(ctx, c.Service.Name, c.Service.Version, c.Service.Namespace, c.Service.Attributes),
		Attributes: telemetry.ProductOf(c.Service.Attributes),
		Fanout:     telemetry.Fanout{Items: telemetry.MapItems(c.Tracing.MapItems), Max: c.Tracing.MaxPerMap, Ratio: c.Tracing.ItemRatio},
		Keep:       telemetry.Keep{Failed: c.Tracing.KeepFailed, Slow: c.Tracing.KeepSlow},
		// Only text that the host has captured comes this far.
		Capture: privacy.Capture{Inputs: !c.Tracing.NoInputs, Outputs: true},
	}), spans}
	runs := bound(in, s.Batch.Queue)
	return &forwarding{
		Instance: runs, client: client,
		pace: pace.New(s.Batch.Linger), size: s.Batch.Size, ready: in.ready, fate: runs.fate,
		inputs: !c.Tracing.NoInputs,
	}, nil
}
