package otlpsplit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/internal/otlpsplit"
)

// requestOf has spans of the given sizes, some in a scope and some in a resource.
func requestOf(sizes []int) *coltracepb.ExportTraceServiceRequest {
	r := &coltracepb.ExportTraceServiceRequest{}
	for i, size := range sizes {
		span := &tracepb.Span{Name: fmt.Sprint(i, strings.Repeat("x", size))}
		switch last := len(r.GetResourceSpans()) - 1; {
		case i%7 == 0:
			r.ResourceSpans = append(r.ResourceSpans, &tracepb.ResourceSpans{SchemaUrl: fmt.Sprint("r", i), ScopeSpans: []*tracepb.ScopeSpans{{SchemaUrl: "s", Spans: []*tracepb.Span{span}}}})
		case i%3 == 0:
			r.ResourceSpans[last].ScopeSpans = append(r.ResourceSpans[last].ScopeSpans, &tracepb.ScopeSpans{SchemaUrl: fmt.Sprint("s", i), Spans: []*tracepb.Span{span}})
		default:
			s := r.GetResourceSpans()[last].GetScopeSpans()
			s[len(s)-1].Spans = append(s[len(s)-1].GetSpans(), span)
		}
	}
	return r
}

// placed returns the spans of requests, each with the resource and the scope that it
// stands in.
func placed(requests ...proto.Message) (list []string) {
	for _, m := range requests {
		for _, r := range m.(*coltracepb.ExportTraceServiceRequest).GetResourceSpans() {
			for _, s := range r.GetScopeSpans() {
				for _, span := range s.GetSpans() {
					list = append(list, r.GetSchemaUrl()+"/"+s.GetSchemaUrl()+"/"+span.GetName())
				}
			}
		}
	}
	return list
}

// The parts of a request hold what it held, in order, and none is too large unless it
// is one span.
func TestSplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		request := requestOf(rapid.SliceOfN(rapid.IntRange(0, 300), 1, 40).Draw(t, "sizes"))
		limit := rapid.IntRange(20, 2000).Draw(t, "limit")
		before := proto.Clone(request)
		var parts []proto.Message
		for m := range otlpsplit.Split(request, limit) {
			parts = append(parts, m)
			if n := len(placed(m)); proto.Size(m) > limit && n > 1 {
				t.Fatalf("%d spans have %d bytes, more than %d", n, proto.Size(m), limit)
			}
		}
		if diff := cmp.Diff(placed(request), placed(parts...)); diff != "" {
			t.Fatal(diff)
		}
		if !proto.Equal(before, request) {
			t.Fatal("the request was changed")
		}
		if proto.Size(request) <= limit && (len(parts) != 1 || parts[0] != proto.Message(request)) {
			t.Fatal("it was split without need")
		}
	})
}
