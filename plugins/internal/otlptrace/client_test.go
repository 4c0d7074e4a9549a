package otlptrace

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/internal/otlptest"
)

// TestRetries: an export is repeated when that may help, and as often as it does.
func TestRetries(t *testing.T) {
	throttled, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	long, _ := status.New(codes.Unavailable, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	for name, tc := range map[string]struct {
		err   error
		fails int // how often
		calls int
		ok    bool
	}{
		"away once":       {status.Error(codes.Unavailable, "away"), 1, 2, true},
		"throttled":       {throttled.Err(), 1, 2, true},
		"for an hour":     {long.Err(), 100, 1, false},
		"exhausted":       {status.Error(codes.ResourceExhausted, "full"), 100, 1, false},
		"unauthenticated": {status.Error(codes.Unauthenticated, "key"), 100, 1, false},
		"unimplemented":   {status.Error(codes.Unimplemented, "x"), 100, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
				if int(calls.Add(1)) <= tc.fails {
					return nil, tc.err
				}
				return &coltracepb.ExportTraceServiceResponse{}, nil
			})
			in := openAt(t, c.Endpoint)
			_ = in.(backend.TracesReceiver).OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{}}})
			if err := in.Flush(t.Context()); (err == nil) != tc.ok {
				t.Errorf("Flush: %v", err)
			}
			if n := int(calls.Load()); n != tc.calls {
				t.Errorf("%d calls, want %d", n, tc.calls)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	const both, own = "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"
	for _, tc := range []struct {
		env  map[string]string
		want metadata.MD
	}{
		{nil, metadata.MD{}},
		{map[string]string{both: "Api-Key=k%201, x = y ,,=no,bad key=1,enc=%zz,nl=%0a,grpc-x=1,novalue,empty="}, metadata.MD{"api-key": {"k 1"}, "x": {"y"}, "empty": {""}}},
		{map[string]string{both: "a=1,b=2", own: "a=3"}, metadata.MD{"a": {"3"}}},
		{map[string]string{both: "a=1,a=2"}, metadata.MD{"a": {"2"}}},
	} {
		got := headers(func(name string) string { return tc.env[name] }, logs)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", tc.env, diff)
		}
	}
	if got := headers(nil, logs); len(got) != 0 {
		t.Errorf("%v without an environment", got)
	}
}

// TestEnvironment: headers and compression are for all signals.
func TestEnvironment(t *testing.T) {
	c := otlptest.Start(t, nil)
	e, _ := ParseEndpoint(c.Endpoint, "", nil)
	in, err := OpenAll(t.Context(), e, func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=k1", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}[name]
	}, service)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []func(){
		func() {
			_ = in.(backend.TracesReceiver).OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{}}})
		},
		func() {
			_ = in.(backend.MetricsReceiver).OnMetrics(t.Context(), &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{}}})
		},
		func() {
			_ = in.(backend.LogsReceiver).OnLogs(t.Context(), &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{}}})
		},
		func() { emit(t, in) },
	} {
		f()
		if err := in.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.Headers(); !slices.Equal(got.Get("api-key"), []string{"k1"}) || !slices.Contains(got.Get("grpc-accept-encoding"), "gzip") {
			t.Errorf("headers %v", got)
		}
	}
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("api-key=k1,b=%20")
	f.Add(" = , =,%=")
	f.Fuzz(func(t *testing.T, text string) {
		for key, values := range headers(func(string) string { return text }, traces) {
			if !isKey(key) || len(values) != 1 || !isText(values[0]) {
				t.Errorf("%q gives %q: %q", text, key, values)
			}
		}
	})
}
