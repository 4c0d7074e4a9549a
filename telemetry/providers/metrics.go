package providers

import (
	"context"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// metricExporter counts what becomes of exports and is never seen to fail: the
// reader would print its error at each interval.
type metricExporter struct {
	sdkmetric.Exporter
	counters
}

// Export exports one collection, unless there is nothing in it.
func (e *metricExporter) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	if len(m.ScopeMetrics) > 0 {
		e.done(1, e.export(ctx, m))
	}
	return nil
}

// Shutdown does nothing: there are two readers, and the first to end is not the
// last.
func (*metricExporter) Shutdown(context.Context) error { return nil }

// close ends the exporter.
func (e *metricExporter) close(ctx context.Context) (err error) {
	defer recovered(&err)
	return e.Exporter.Shutdown(ctx)
}

func (e *metricExporter) export(ctx context.Context, m *metricdata.ResourceMetrics) (err error) {
	defer recovered(&err)
	return e.Exporter.Export(ctx, m)
}

// quietProducer counts its errors as failed collections, for the same reason.
type quietProducer struct {
	sdkmetric.Producer

	exporter *metricExporter
}

// Produce returns what the producer has.
func (p quietProducer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	list, err := p.produce(ctx)
	if err != nil {
		p.exporter.done(1, err)
	}
	return list, nil
}

func (p quietProducer) produce(ctx context.Context) (list []metricdata.ScopeMetrics, err error) {
	defer recovered(&err)
	return p.Producer.Produce(ctx)
}
