package bench

import (
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestCount holds that what the collector counts are spans, and that it reads no more
// than whole requests.
func TestCount(t *testing.T) {
	spans := func(n int) *tracepb.ScopeSpans {
		s := &tracepb.ScopeSpans{SchemaUrl: "x"}
		for range n {
			s.Spans = append(s.Spans, &tracepb.Span{Name: "span", Events: []*tracepb.Span_Event{{Name: "event"}}})
		}
		return s
	}
	data, err := proto.Marshal(&coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{
		{SchemaUrl: "y", ScopeSpans: []*tracepb.ScopeSpans{spans(3), spans(0)}}, {}, {ScopeSpans: []*tracepb.ScopeSpans{spans(300)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := count(data, 1, 2, 2); n != 303 || err != nil {
		t.Errorf("%d spans, %v", n, err)
	}
	if _, err := count(data[:len(data)-1], 1, 2, 2); err == nil {
		t.Error("half a request is counted")
	}
}
