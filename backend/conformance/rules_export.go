package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const exporting = "exports"

var exportRules = []Rule{
	{
		ID: "exports-traces", Area: exporting, check: exported(pb.Signal_SIGNAL_TRACES),
		Text: "Exports of traces are handled by an instance that takes them.",
	},
	{
		ID: "exports-metrics", Area: exporting, check: exported(pb.Signal_SIGNAL_METRICS),
		Text: "Exports of metrics are handled by an instance that takes them.",
	},
	{
		ID: "exports-logs", Area: exporting, check: exported(pb.Signal_SIGNAL_LOGS),
		Text: "Exports of logs are handled by an instance that takes them.",
	},
	{
		ID: "exports-ignored", Area: exporting, check: ignoredExports,
		Text: "Exports that the instance does not take, or whose signal is not known, are ignored and counted in ignored_exports.",
	},
	{
		ID: "exports-unreadable", Area: exporting, check: unreadable,
		Text: "An export that cannot be read is lost, and the Ack says so; lost says that nothing else of its batch is.",
	},
}

// attributes of what is exported: one that is large, and one that is no text.
var attributes = []*commonpb.KeyValue{
	{Key: "text", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: strings.Repeat("x", 100)}}},
	{Key: "number", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: -1}}},
}

// export adds an export of a signal.
func (s *script) export(signal pb.Signal) error {
	now := uint64(s.began.UnixNano())
	resource := &resourcepb.Resource{Attributes: attributes}
	scope := &commonpb.InstrumentationScope{Name: "conformance"}
	id := make([]byte, 16)
	id[0], id[15] = 1, 2
	var m proto.Message
	switch signal {
	case pb.Signal_SIGNAL_TRACES:
		m = &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
			Resource: resource, ScopeSpans: []*tracepb.ScopeSpans{{Scope: scope, Spans: []*tracepb.Span{{
				TraceId: id, SpanId: id[8:], Name: "of the program", Kind: tracepb.Span_SPAN_KIND_CLIENT,
				StartTimeUnixNano: now, EndTimeUnixNano: now + uint64(time.Second), Attributes: attributes,
			}}}},
		}}}
	case pb.Signal_SIGNAL_METRICS:
		m = &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
			Resource: resource, ScopeMetrics: []*metricspb.ScopeMetrics{{Scope: scope, Metrics: []*metricspb.Metric{{
				Name: "of.the.program", Unit: "1", Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{
					IsMonotonic: true, AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
					DataPoints: []*metricspb.NumberDataPoint{{
						StartTimeUnixNano: now, TimeUnixNano: now + uint64(time.Second), Value: &metricspb.NumberDataPoint_AsInt{AsInt: 3},
					}},
				}},
			}}}},
		}}}
	default:
		m = &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
			Resource: resource, ScopeLogs: []*logspb.ScopeLogs{{Scope: scope, LogRecords: []*logspb.LogRecord{{
				TimeUnixNano: now, ObservedTimeUnixNano: now, SeverityNumber: logspb.SeverityNumber_SEVERITY_NUMBER_INFO,
				SeverityText: "INFO", Body: attributes[0].GetValue(), Attributes: attributes, TraceId: id, SpanId: id[8:],
			}}}},
		}}}
	}
	data, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("an export: %w", err)
	}
	s.exports = append(s.exports, &pb.Export{Signal: signal, Request: data})
	return nil
}

// taking makes a check of a backend with the signals that it takes.
func taking(f func(context.Context, *session, []pb.Signal) error) func(context.Context, *Target) error {
	return fresh(func(ctx context.Context, s *session) error {
		a, err := s.accepted(ctx, s.target.request())
		if err != nil {
			return err
		}
		return f(ctx, s, a.GetSignals())
	})
}

// words returns the name of a signal for people.
func words(signal pb.Signal) string {
	return strings.ToLower(strings.TrimPrefix(signal.String(), "SIGNAL_"))
}

func exported(signal pb.Signal) func(context.Context, *Target) error {
	return taking(func(ctx context.Context, s *session, takes []pb.Signal) error {
		if !slices.Contains(takes, signal) {
			return skip("the instance does not take " + words(signal))
		}
		w := newScript()
		root := w.pipeline("daily")
		root.ok()
		for range 3 {
			if err := w.export(signal); err != nil {
				return err
			}
		}
		both := w.batch()
		if err := w.export(signal); err != nil {
			return err
		}
		if err := s.deliver(ctx, both, w.batch()); err != nil {
			return err
		}
		h, err := s.health(ctx)
		if err != nil {
			return err
		}
		if n := h.GetIgnoredExports(); n > 0 {
			return fmt.Errorf("ignored_exports is %d: the instance takes %s", n, signal)
		}
		return nil
	})
}

func ignoredExports(ctx context.Context, t *Target) error {
	return taking(func(ctx context.Context, s *session, takes []pb.Signal) error {
		w := newScript()
		want := uint64(0)
		for _, signal := range []pb.Signal{pb.Signal_SIGNAL_TRACES, pb.Signal_SIGNAL_METRICS, pb.Signal_SIGNAL_LOGS} {
			if !slices.Contains(takes, signal) {
				if err := w.export(signal); err != nil {
					return err
				}
				want++
			}
		}
		w.exports = append(w.exports, &pb.Export{Signal: 99, Request: []byte("of a later version")})
		want++
		w.pipeline("daily").ok()
		if err := s.deliver(ctx, w.batch()); err != nil {
			return err
		}
		h, err := s.health(ctx)
		if err != nil {
			return err
		}
		if got := h.GetIgnoredExports(); got != want {
			return fmt.Errorf("ignored_exports is %d, want %d", got, want)
		}
		return nil
	})(ctx, t)
}

func unreadable(ctx context.Context, t *Target) error {
	return taking(func(ctx context.Context, s *session, takes []pb.Signal) error {
		if len(takes) == 0 {
			return skip("the instance takes no exports")
		}
		w := newScript()
		nested(w)
		w.exports = append(w.exports, &pb.Export{Signal: takes[0], Request: []byte("\xff\xff\xff no request")})
		st, err := s.stream(ctx)
		if err != nil {
			return err
		}
		defer st.close()
		if err := st.send(w.batch()); err != nil {
			return err
		}
		if err := st.await(1); err != nil {
			return err
		}
		if st.refused() == nil {
			return errors.New("the Ack has no error")
		}
		for _, a := range st.all {
			if a.GetError() != "" && (a.GetLost() == nil || a.GetLost().GetEvents() > 0) {
				return fmt.Errorf("lost is %v, and none of the events is", a.GetLost())
			}
		}
		if err := s.arrived(w, false); err != nil {
			return err
		}
		next := newScript()
		nested(next)
		st.all = nil
		next.epoch, next.seq, next.order = w.epoch, w.seq, w.order
		return st.deliver(next.batch())
	})(ctx, t)
}
