package providers

import (
	"context"
	"sync/atomic"

	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// recordProcessor exports each log record as it is made: an export is some
// microseconds of work over a connection that never waits, and what is exported
// later no longer stands where it belongs among the events of its run.
type recordProcessor struct {
	counters

	exporter sdklog.Exporter
	closed   atomic.Bool
}

var _ sdklog.Processor = (*recordProcessor)(nil)

// Enabled says that every record is taken.
func (*recordProcessor) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit exports a record. It is said in a context that may have ended: that a run
// is cancelled is worth saying.
func (p *recordProcessor) OnEmit(ctx context.Context, r *sdklog.Record) error {
	if p.closed.Load() {
		p.afterShutdown.Add(1)
		return nil
	}
	p.waiting.Add(1)
	err := p.export(context.WithoutCancel(ctx), r)
	p.waiting.Add(^uint64(0))
	p.done(1, err)
	return nil
}

func (p *recordProcessor) export(ctx context.Context, r *sdklog.Record) (err error) {
	defer recovered(&err)
	return p.exporter.Export(ctx, []sdklog.Record{*r})
}

// ForceFlush does nothing: no record waits.
func (*recordProcessor) ForceFlush(context.Context) error { return nil }

// Shutdown ends the exporter.
func (p *recordProcessor) Shutdown(ctx context.Context) error {
	if p.closed.Swap(true) {
		return nil
	}
	return p.exporter.Shutdown(ctx)
}
