package otlpsdk_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/spanloom/spanloom/internal/otlpsdk"
)

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func array(list ...*commonpb.AnyValue) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: list}}}
}

func kv(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

var (
	number   = &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: -7}}
	fraction = &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 0.5}}
	yes      = &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}
	bytes    = &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{1, 0xff}}}
	keys     = &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{kv("k", number)}}}}
	all      = []*commonpb.KeyValue{kv("array.bool", array(yes, yes)), kv("array.mixed", array(yes, number)), kv("array.number", array(number)), kv("array.real", array(fraction)), kv("array.text", array(text("a"), text("b"))), kv("bool", yes), kv("bytes", bytes), kv("int", number), kv("map", keys), kv("real", fraction), kv("text", text("hello"))}
	res      = &resourcepb.Resource{Attributes: []*commonpb.KeyValue{kv("service.name", text("shop")), kv("zone", text("b"))}}
	scope    = &commonpb.InstrumentationScope{Name: "lib", Version: "2", Attributes: []*commonpb.KeyValue{kv("x", text("y"))}}
	traceID  = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	spanID   = []byte{1, 2, 3, 4, 5, 6, 7, 8}
	parent   = []byte{8, 7, 6, 5, 4, 3, 2, 1}
)

// stock is a client of the SDK's exporter that keeps what it would send.
type stock struct{ list []*tracepb.ResourceSpans }

func (*stock) Start(context.Context) error { return nil }
func (*stock) Stop(context.Context) error  { return nil }

func (s *stock) UploadTraces(_ context.Context, list []*tracepb.ResourceSpans) error {
	s.list = append(s.list, list...)
	return nil
}

// TestSpans: the stock exporter makes the same request of the spans again.
func TestSpans(t *testing.T) {
	t.Parallel()
	want := &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: res, SchemaUrl: "https://schema/1",
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: scope, SchemaUrl: "https://schema/2",
			Spans: []*tracepb.Span{
				{
					TraceId: traceID, SpanId: spanID, ParentSpanId: parent, TraceState: "a=b", Name: "query", Kind: tracepb.Span_SPAN_KIND_CLIENT,
					StartTimeUnixNano: 1e18, EndTimeUnixNano: 1e18 + 5, Attributes: all, DroppedAttributesCount: 1, DroppedEventsCount: 2, DroppedLinksCount: 3,
					Events: []*tracepb.Span_Event{{TimeUnixNano: 1e18 + 1, Name: "ev", Attributes: all[:2], DroppedAttributesCount: 4}},
					Links:  []*tracepb.Span_Link{{TraceId: traceID, SpanId: parent, Attributes: all[2:3], DroppedAttributesCount: 5, Flags: 0x301}},
					Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "boom"}, Flags: 0x301,
				},
				{TraceId: traceID, SpanId: parent, Name: "root", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1, EndTimeUnixNano: 2, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK}, Flags: 0x101},
			},
		}},
	}}}
	got := &stock{}
	e, err := otlptrace.New(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), otlpsdk.Spans(want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.GetResourceSpans(), got.list, protocmp.Transform()); diff != "" {
		t.Errorf("(-request +exported again)\n%s", diff)
	}
}

// TestEveryMethodOfASpan: a method of the interface that a span lacks would panic.
func TestEveryMethodOfASpan(t *testing.T) {
	t.Parallel()
	for _, s := range otlpsdk.Spans(&coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{}}}}}}}) {
		v := reflect.ValueOf(s)
		for i, typ := 0, reflect.TypeFor[sdktrace.ReadOnlySpan](); i < typ.NumMethod(); i++ {
			if m := typ.Method(i); m.IsExported() {
				v.MethodByName(m.Name).Call(nil)
			}
		}
	}
}

// kept is a connection that keeps the requests that are sent over it.
func kept(t *testing.T) (conn *grpc.ClientConn, requests *[]proto.Message) {
	t.Helper()
	requests = &[]proto.Message{}
	conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(_ context.Context, _ string, request, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			*requests = append(*requests, proto.Clone(request.(proto.Message)))
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, requests
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	const start, end = 1e18, 1e18 + 9
	labels := []*commonpb.KeyValue{kv("a", text("b")), kv("c", number)}
	cumulative := metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	whole := func(n int64) *metricspb.NumberDataPoint_AsInt { return &metricspb.NumberDataPoint_AsInt{AsInt: n} }
	exemplars := []*metricspb.Exemplar{{FilteredAttributes: labels[:1], TimeUnixNano: end, SpanId: spanID, TraceId: traceID, Value: &metricspb.Exemplar_AsDouble{AsDouble: 0.5}}}
	want := &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: res, SchemaUrl: "https://schema/1",
		ScopeMetrics: []*metricspb.ScopeMetrics{{
			Scope: scope, SchemaUrl: "https://schema/2",
			Metrics: []*metricspb.Metric{
				{Name: "jobs", Description: "d", Unit: "{job}", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
					AggregationTemporality: cumulative, IsMonotonic: true,
					DataPoints: []*metricspb.NumberDataPoint{{Attributes: labels, StartTimeUnixNano: start, TimeUnixNano: end, Value: whole(3)}, {StartTimeUnixNano: start, TimeUnixNano: end, Value: whole(0)}},
				}}},
				{Name: "seconds", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
					AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
					DataPoints:             []*metricspb.NumberDataPoint{{StartTimeUnixNano: start, TimeUnixNano: end, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: 1.5}, Exemplars: exemplars}},
				}}},
				{Name: "queue", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{{TimeUnixNano: end, Value: whole(-3)}}}}},
				{Name: "load", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{{TimeUnixNano: end, Value: &metricspb.NumberDataPoint_AsDouble{}}}}}},
				{Name: "took", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
					AggregationTemporality: cumulative,
					DataPoints: []*metricspb.HistogramDataPoint{{
						Attributes: labels, StartTimeUnixNano: start, TimeUnixNano: end, Count: 3, Sum: new(float64(2.5)), Min: new(float64(0)), Max: new(float64(2)),
						BucketCounts: []uint64{1, 2}, ExplicitBounds: []float64{1}, Exemplars: exemplars,
					}},
				}}},
				{Name: "exp", Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{
					AggregationTemporality: cumulative,
					DataPoints: []*metricspb.ExponentialHistogramDataPoint{{
						StartTimeUnixNano: start, TimeUnixNano: end, Count: 4, Sum: new(float64(9)), Min: new(float64(1)), Max: new(float64(4)), Scale: 2, ZeroCount: 1, ZeroThreshold: 0.1,
						Positive: &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: 1, BucketCounts: []uint64{2}},
						Negative: &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: -1, BucketCounts: []uint64{1}},
					}},
				}}},
				{Name: "sum", Data: &metricspb.Metric_Summary{Summary: &metricspb.Summary{DataPoints: []*metricspb.SummaryDataPoint{{
					StartTimeUnixNano: start, TimeUnixNano: end, Count: 2, Sum: 3, QuantileValues: []*metricspb.SummaryDataPoint_ValueAtQuantile{{Quantile: 0.5, Value: 1}},
				}}}}},
			},
		}},
	}}}
	conn, got := kept(t)
	e, err := otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range otlpsdk.Metrics(want) {
		if err := e.Export(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]proto.Message{want}, *got, protocmp.Transform()); diff != "" {
		t.Errorf("(-request +exported again)\n%s", diff)
	}
	if list := otlpsdk.Metrics(&colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{Name: "of a kind to come"}}}}}}}); len(list[0].ScopeMetrics[0].Metrics) != 0 {
		t.Errorf("a metric without data is kept: %v", list[0])
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	want := &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		Resource: res, SchemaUrl: "https://schema/1",
		ScopeLogs: []*logspb.ScopeLogs{{
			Scope: scope, SchemaUrl: "https://schema/2",
			LogRecords: []*logspb.LogRecord{
				{
					TimeUnixNano: 1e18, ObservedTimeUnixNano: 1e18 + 1, SeverityNumber: logspb.SeverityNumber_SEVERITY_NUMBER_WARN, SeverityText: "WARN",
					Body: keys, Attributes: append(slices.Clip(all), kv("text", text("again"))), TraceId: traceID, SpanId: spanID, Flags: 1, EventName: "ev",
				},
				{ObservedTimeUnixNano: 5, Body: text("plain"), SeverityNumber: logspb.SeverityNumber_SEVERITY_NUMBER_INFO},
			},
		}},
	}}}
	conn, got := kept(t)
	e, err := otlploggrpc.New(t.Context(), otlploggrpc.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(t.Context(), otlpsdk.Records(want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]proto.Message{want}, *got, protocmp.Transform(), protocmp.IgnoreDefaultScalars()); diff != "" {
		t.Errorf("(-request +exported again)\n%s", diff)
	}
}
