package providers

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/internal/otlpsdk"
)

// metricSender exports metrics over a connection and knows of nothing else: the exporter
// otlpmetricgrpc reads OTEL_EXPORTER_OTLP_* though a connection is given, and prints what
// it cannot read, keys of headers included. Whatever the environment says of what
// collectors like, backends see to it.
type metricSender struct {
	service colmetricspb.MetricsServiceClient
}

var _ sdkmetric.Exporter = metricSender{}

func newMetricSender(conn *grpc.ClientConn) metricSender {
	return metricSender{colmetricspb.NewMetricsServiceClient(conn)}
}

// Temporality implements sdkmetric.Exporter.
func (metricSender) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

// Aggregation implements sdkmetric.Exporter.
func (metricSender) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

// Export implements sdkmetric.Exporter. That the other side refuses some is an error.
func (s metricSender) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	response, err := s.service.Export(ctx, otlpsdk.Request(m))
	if err != nil {
		return err //nolint:wrapcheck // the reader says what failed
	}
	if p := response.GetPartialSuccess(); p.GetRejectedDataPoints() > 0 {
		return fmt.Errorf("%d data points refused: %s", p.GetRejectedDataPoints(), p.GetErrorMessage())
	}
	return nil
}

// ForceFlush implements sdkmetric.Exporter: nothing waits.
func (metricSender) ForceFlush(context.Context) error { return nil }

// Shutdown implements sdkmetric.Exporter: the connection is somebody else's.
func (metricSender) Shutdown(context.Context) error { return nil }
