package metrics

import (
	"context"
	"fmt"
	"sync/atomic"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// exporter keeps what an exporter does wrong away from the SDK, which would give
// it to the error handler of the whole program at every interval.
type exporter struct {
	sdkmetric.Exporter

	report          func(error) // is told of each failure
	exports, failed atomic.Uint64
	state           atomic.Pointer[error] // of the latest export
	last            atomic.Pointer[error] // that Flush or Shutdown has to tell of
}

// Export exports, and counts what fails.
func (e *exporter) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	err := protect(func() error { return e.Exporter.Export(ctx, data) })
	e.exports.Add(1)
	if err == nil {
		e.state.Store(nil)
		return nil
	}
	e.failed.Add(1)
	e.state.Store(&err)
	e.last.Store(&err)
	e.report(err)
	return nil
}

// ForceFlush implements sdkmetric.Exporter.
func (e *exporter) ForceFlush(ctx context.Context) error {
	return protect(func() error { return e.Exporter.ForceFlush(ctx) })
}

// Shutdown implements sdkmetric.Exporter.
func (e *exporter) Shutdown(ctx context.Context) error {
	return protect(func() error { return e.Exporter.Shutdown(ctx) })
}

// protect makes a panic of an exporter an error.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("metrics: the exporter panicked: %v", p)
		}
	}()
	return f()
}
