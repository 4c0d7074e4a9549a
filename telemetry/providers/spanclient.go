package providers

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// spanClient sends spans over a connection and knows of nothing else: that of
// otlptracegrpc reads OTEL_EXPORTER_OTLP_* though a connection is given, and prints
// what it cannot read, keys of headers included.
type spanClient struct{ service coltracepb.TraceServiceClient }

var _ otlptrace.Client = spanClient{}

func newSpanExporter(conn *grpc.ClientConn) *otlptrace.Exporter {
	return otlptrace.NewUnstarted(spanClient{coltracepb.NewTraceServiceClient(conn)})
}

// Start does nothing: the connection is there.
func (spanClient) Start(context.Context) error { return nil }

// Stop does nothing: the connection is somebody else's.
func (spanClient) Stop(context.Context) error { return nil }

// UploadTraces sends spans. That the other side refuses some of them is an error.
func (c spanClient) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	response, err := c.service.Export(ctx, &coltracepb.ExportTraceServiceRequest{ResourceSpans: spans})
	if err != nil {
		return err //nolint:wrapcheck // the exporter says what failed
	}
	if p := response.GetPartialSuccess(); p.GetRejectedSpans() > 0 {
		return fmt.Errorf("%d spans refused: %s", p.GetRejectedSpans(), p.GetErrorMessage())
	}
	return nil
}
