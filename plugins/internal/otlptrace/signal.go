package otlptrace

import (
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// signal is a kind of telemetry and the service that takes it.
type signal struct {
	variable string // in the names of environment variables
	method   string
	things   string
	reply    func() proto.Message
	// rejected reads what the collector did not take, and why.
	rejected func(reply proto.Message) (n int64, why string)
}

var (
	traces = &signal{
		"TRACES", coltracepb.TraceService_Export_FullMethodName, "spans",
		func() proto.Message { return &coltracepb.ExportTraceServiceResponse{} },
		func(m proto.Message) (int64, string) {
			r, _ := m.(*coltracepb.ExportTraceServiceResponse)
			return r.GetPartialSuccess().GetRejectedSpans(), r.GetPartialSuccess().GetErrorMessage()
		},
	}
	metrics = &signal{
		"METRICS", colmetricspb.MetricsService_Export_FullMethodName, "data points",
		func() proto.Message { return &colmetricspb.ExportMetricsServiceResponse{} },
		func(m proto.Message) (int64, string) {
			r, _ := m.(*colmetricspb.ExportMetricsServiceResponse)
			return r.GetPartialSuccess().GetRejectedDataPoints(), r.GetPartialSuccess().GetErrorMessage()
		},
	}
	logs = &signal{
		"LOGS", collogspb.LogsService_Export_FullMethodName, "log records",
		func() proto.Message { return &collogspb.ExportLogsServiceResponse{} },
		func(m proto.Message) (int64, string) {
			r, _ := m.(*collogspb.ExportLogsServiceResponse)
			return r.GetPartialSuccess().GetRejectedLogRecords(), r.GetPartialSuccess().GetErrorMessage()
		},
	}
)

// signalOf returns the signal of a request; nil when it is none.
func signalOf(request proto.Message) *signal {
	switch request.(type) {
	case *coltracepb.ExportTraceServiceRequest:
		return traces
	case *colmetricspb.ExportMetricsServiceRequest:
		return metrics
	case *collogspb.ExportLogsServiceRequest:
		return logs
	default:
		return nil
	}
}
