package otlpredact

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/privacy"
)

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func pair(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: text(value)}
}

// places makes requests that have a text in one place each.
var places = map[string]func(s string) proto.Message{
	"name of a span": func(s string) proto.Message { return spanOf(&tracepb.Span{Name: s}) },
	"attribute of a span": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair("note", s)}})
	},
	"key of an attribute": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair(s, "a")}})
	},
	"secret name": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair("db.password", s)}})
	},
	"list": func(s string) proto.Message {
		list := &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{text("a"), text(s)}}}}
		return spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{{Key: "list", Value: list}}})
	},
	"bytes": func(s string) proto.Message {
		v := &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte(s)}}
		return spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{{Key: "bytes", Value: v}}})
	},
	"event": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Events: []*tracepb.Span_Event{{Name: "ok"}, {Name: s}}})
	},
	"attribute of an event": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Events: []*tracepb.Span_Event{{Attributes: []*commonpb.KeyValue{pair("exception.message", s)}}}})
	},
	"link": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Links: []*tracepb.Span_Link{{Attributes: []*commonpb.KeyValue{pair("note", s)}}}})
	},
	"status": func(s string) proto.Message {
		return spanOf(&tracepb.Span{Status: &tracepb.Status{Message: s}})
	},
	"scope": func(s string) proto.Message {
		return &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{
			Scope: &commonpb.InstrumentationScope{Name: "x", Attributes: []*commonpb.KeyValue{pair("note", s)}},
		}}}}}
	},
	"name of a scope": func(s string) proto.Message {
		return &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{
			Scope: &commonpb.InstrumentationScope{Name: s},
		}}}}}
	},
	"version of a scope": func(s string) proto.Message {
		return &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Version: s},
		}}}}}
	},
	"description of an instrument": func(s string) proto.Message {
		return &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{
			Metrics: []*metricspb.Metric{{Name: "rows", Description: s}},
		}}}}}
	},
	"label": func(s string) proto.Message {
		return sum(&metricspb.NumberDataPoint{Attributes: []*commonpb.KeyValue{pair("user", s)}})
	},
	"exemplar": func(s string) proto.Message {
		return sum(&metricspb.NumberDataPoint{Exemplars: []*metricspb.Exemplar{{FilteredAttributes: []*commonpb.KeyValue{pair("user", s)}}}})
	},
	"body": func(s string) proto.Message { return recordOf(&logspb.LogRecord{Body: text(s)}) },
	"record": func(s string) proto.Message {
		return recordOf(&logspb.LogRecord{Attributes: []*commonpb.KeyValue{pair("note", s)}})
	},
	"map in a body": func(s string) proto.Message {
		m := &commonpb.KeyValueList{Values: []*commonpb.KeyValue{pair("a", "b"), pair("token", s)}}
		return recordOf(&logspb.LogRecord{Body: &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: m}}})
	},
	"name of an event": func(s string) proto.Message { return recordOf(&logspb.LogRecord{EventName: s}) },
	"severity":         func(s string) proto.Message { return recordOf(&logspb.LogRecord{SeverityText: s}) },
}

func spanOf(s *tracepb.Span) proto.Message {
	return &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "other"}, s}}}}}}
}

func recordOf(r *logspb.LogRecord) proto.Message {
	return &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{}, r}}}}}}
}

func metricOf(m *metricspb.Metric) proto.Message {
	return &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{m}}}}}}
}

func sum(points ...*metricspb.NumberDataPoint) proto.Message {
	return metricOf(&metricspb.Metric{Name: "m", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{DataPoints: points}}})
}

// A secret that is known, in whatever place and among whatever else, is nowhere in
// what leaves, and the request that was given stays as it was.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, request := range places {
		rapid.Check(t, func(t *rapid.T) {
			secret := rapid.StringMatching(`[A-Za-z0-9+/"\\ -]{12,32}`).Draw(t, "secret")
			r := &privacy.Redactor{}
			r.Add(secret, "")
			form := rapid.SampledFrom([]string{secret, "x " + secret + " y", base64.StdEncoding.EncodeToString([]byte(secret)), fmt.Sprintf("%q", secret)}).Draw(t, "form")
			in := request(form)
			before := proto.Clone(in)
			out := Request(in, r, nil)
			if !proto.Equal(in, before) {
				t.Fatalf("%s: the request was changed", name)
			}
			data, err := proto.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			if proto.Equal(in, out) || strings.Contains(string(data), secret) || strings.Contains(string(data), form) {
				t.Fatalf("%s: %q left: %s", name, secret, prototext.Format(out))
			}
		})
	}
}

// What has the name or the form of a secret is hidden without having been told.
func TestNamesAndForms(t *testing.T) {
	t.Parallel()
	for name, request := range places {
		out := Request(request("token=hunter2"), nil, nil)
		if strings.Contains(prototext.Format(out), "hunter2") {
			t.Errorf("%s: %s", name, prototext.Format(out))
		}
	}
	number := &commonpb.KeyValue{Key: "pin_code", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 48151623}}}
	price := &commonpb.KeyValue{Key: "price", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 48151623}}}
	r, err := privacy.NewRedactor("pin_code")
	if err != nil {
		t.Fatal(err)
	}
	r.Add("48151623", "")
	if out := Request(spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{number, price}}), r, nil); strings.Contains(prototext.Format(out), "48151623") {
		t.Error(prototext.Format(out))
	}
}

// A request with nothing secret is given back as it is, and what the manifest says
// is said.
func TestNothingSecret(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	r.Add("production", "${env:MODE}")
	kept := map[string]string{"spanloom.mode": "production"}
	for name, request := range places {
		if name == "secret name" || name == "map in a body" {
			continue
		}
		if in := request("plain words"); Request(in, r, kept) != in {
			t.Errorf("%s: it was copied", name)
		}
	}
	in := spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair("spanloom.mode", "production"), pair("password", privacy.Mark)}})
	in.(*coltracepb.ExportTraceServiceRequest).ResourceSpans[0].Resource = &resourcepb.Resource{Attributes: []*commonpb.KeyValue{pair("deployment", "production")}}
	if Request(in, r, kept) != in {
		t.Error("what the manifest says was hidden")
	}
	for _, other := range []proto.Message{spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair("spanloom.mode", "production of x")}}), spanOf(&tracepb.Span{Attributes: []*commonpb.KeyValue{pair("mode", "production")}})} {
		if Request(other, r, kept) == other {
			t.Error("what others say was kept")
		}
	}
	if in := proto.Message(&logspb.LogRecord{Body: text("token=hunter2")}); Request(in, r, nil) != in {
		t.Error("what is no request was copied")
	}
}

// Points that are the same without what is secret are one point.
func TestPointsAreAddedUp(t *testing.T) {
	t.Parallel()
	secret := func(v string) []*commonpb.KeyValue {
		return []*commonpb.KeyValue{pair("city", "Bonn"), pair("token", v)}
	}
	shown := []*commonpb.KeyValue{pair("city", "Bonn"), pair("token", privacy.Mark)}
	number := func(v int64, start, at uint64, list []*commonpb.KeyValue) *metricspb.NumberDataPoint {
		return &metricspb.NumberDataPoint{Attributes: list, StartTimeUnixNano: start, TimeUnixNano: at, Value: &metricspb.NumberDataPoint_AsInt{AsInt: v}}
	}
	other := number(5, 1, 9, []*commonpb.KeyValue{pair("city", "Rom"), pair("token", privacy.Mark)})
	histogram := func(count, low, high uint64, sum, lo, hi float64, list []*commonpb.KeyValue) *metricspb.HistogramDataPoint {
		return &metricspb.HistogramDataPoint{
			Attributes: list, Count: count, BucketCounts: []uint64{low, high}, ExplicitBounds: []float64{1},
			Sum: new(sum), Min: new(lo), Max: new(hi),
		}
	}
	exponential := func(scale int32, count uint64, sum float64, b *metricspb.ExponentialHistogramDataPoint_Buckets, list []*commonpb.KeyValue) *metricspb.ExponentialHistogramDataPoint {
		return &metricspb.ExponentialHistogramDataPoint{Attributes: list, Scale: scale, Count: count, Sum: new(sum), Positive: b, ZeroCount: 1}
	}
	buckets := func(offset int32, counts ...uint64) *metricspb.ExponentialHistogramDataPoint_Buckets {
		return &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts}
	}
	for name, c := range map[string]struct{ in, want *metricspb.Metric }{
		"sum": {
			&metricspb.Metric{Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{DataPoints: []*metricspb.NumberDataPoint{number(3, 4, 8, secret("a")), other, number(4, 2, 9, secret("b"))}}}},
			&metricspb.Metric{Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{DataPoints: []*metricspb.NumberDataPoint{number(7, 2, 9, shown), other}}}},
		},
		"gauge": {
			&metricspb.Metric{Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{number(3, 0, 9, secret("a")), number(4, 0, 8, secret("b"))}}}},
			&metricspb.Metric{Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{number(3, 0, 9, shown)}}}},
		},
		"histogram": {
			&metricspb.Metric{Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: []*metricspb.HistogramDataPoint{histogram(3, 1, 2, 5, .5, 2, secret("a")), histogram(1, 0, 1, 9, 9, 9, secret("b"))}}}},
			&metricspb.Metric{Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: []*metricspb.HistogramDataPoint{histogram(4, 1, 3, 14, .5, 9, shown)}}}},
		},
		"exponential histogram": {
			// Buckets -3..-1 of scale 1 are -2, -1, -1 of scale 0.
			&metricspb.Metric{Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{DataPoints: []*metricspb.ExponentialHistogramDataPoint{
				exponential(1, 6, 6, buckets(-3, 1, 2, 3), secret("a")), exponential(0, 9, 9, buckets(-1, 4, 5), secret("b")), exponential(2, 0, 0, nil, secret("c")),
			}}}},
			&metricspb.Metric{Data: &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{DataPoints: []*metricspb.ExponentialHistogramDataPoint{
				func() *metricspb.ExponentialHistogramDataPoint {
					p := exponential(0, 15, 15, buckets(-2, 1, 9, 5), shown)
					p.ZeroCount = 3
					return p
				}(),
			}}}},
		},
	} {
		if diff := cmp.Diff(metricOf(c.want), Request(metricOf(c.in), nil, nil), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	r := &privacy.Redactor{}
	r.Add("e5b2-db-value", "")
	span := &tracepb.Span{Name: "GET /articles", Attributes: []*commonpb.KeyValue{
		pair("http.request.method", "GET"), pair("url.full", "https://shop.example.com/articles/17"), pair("server.address", "shop.example.com"),
		{Key: "http.response.status_code", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 200}}},
	}}
	in := spanOf(span)
	b.ReportAllocs()
	for b.Loop() {
		Request(in, r, nil)
	}
}
