package otlpclient

import (
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// signal is one of the services of OTLP.
type signal struct {
	name   string // "traces", as in the paths of OTLP over HTTP
	what   string // it is called in a sentence
	method string // of gRPC
	things string // that it carries
	reply  func() proto.Message
}

var (
	traces = signal{
		"traces", "spans", coltracepb.TraceService_Export_FullMethodName, "spans",
		func() proto.Message { return &coltracepb.ExportTraceServiceResponse{} },
	}
	metrics = signal{
		"metrics", "metrics", colmetricspb.MetricsService_Export_FullMethodName, "data points",
		func() proto.Message { return &colmetricspb.ExportMetricsServiceResponse{} },
	}
	logs = signal{
		"logs", "log records", collogspb.LogsService_Export_FullMethodName, "log records",
		func() proto.Message { return &collogspb.ExportLogsServiceResponse{} },
	}
)

func signalOf(request proto.Message) (signal, bool) {
	switch request.(type) {
	case *coltracepb.ExportTraceServiceRequest:
		return traces, true
	case *colmetricspb.ExportMetricsServiceRequest:
		return metrics, true
	case *collogspb.ExportLogsServiceRequest:
		return logs, true
	default:
		return signal{}, false
	}
}

// rejected returns how many things of a request the collector did not take, and
// why. Zero with a message is a warning about what it did take.
func rejected(reply proto.Message) (n int64, message string) {
	switch r := reply.(type) {
	case *coltracepb.ExportTraceServiceResponse:
		return r.GetPartialSuccess().GetRejectedSpans(), r.GetPartialSuccess().GetErrorMessage()
	case *colmetricspb.ExportMetricsServiceResponse:
		return r.GetPartialSuccess().GetRejectedDataPoints(), r.GetPartialSuccess().GetErrorMessage()
	case *collogspb.ExportLogsServiceResponse:
		return r.GetPartialSuccess().GetRejectedLogRecords(), r.GetPartialSuccess().GetErrorMessage()
	default:
		return 0, ""
	}
}

// count returns how many spans or log records a request carries; 0 when that is
// not known without a look at each metric.
func count(request proto.Message) (n int64) {
	switch r := request.(type) {
	case *coltracepb.ExportTraceServiceRequest:
		for _, rs := range r.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				n += int64(len(ss.GetSpans()))
			}
		}
	case *collogspb.ExportLogsServiceRequest:
		for _, rl := range r.GetResourceLogs() {
			for _, sl := range rl.GetScopeLogs() {
				n += int64(len(sl.GetLogRecords()))
			}
		}
	}
	return n
}
