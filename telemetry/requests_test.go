package telemetry

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlpspan"
)

// encoder is an exporter that keeps requests: of spans, unless it gets them made.
type encoder struct {
	t    *testing.T
	size int
	fail func(n int) error

	mu   sync.Mutex
	list []*coltracepb.ExportTraceServiceRequest
}

func (e *encoder) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	return e.keep(otlpspan.AppendRequest(nil, spans))
}

func (*encoder) Shutdown(context.Context) error { return nil }

func (e *encoder) keep(data []byte) error {
	var r coltracepb.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &r); err != nil {
		e.t.Error(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, &r)
	if e.fail != nil {
		return e.fail(len(e.list))
	}
	return nil
}

func (e *encoder) spans() (list []*tracepb.Span) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.list {
		for _, rs := range r.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				list = append(list, ss.GetSpans()...)
			}
		}
	}
	slices.SortFunc(list, func(a, b *tracepb.Span) int {
		return cmp.Or(slices.Compare(a.GetSpanId(), b.GetSpanId()), strings.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetEndTimeUnixNano(), b.GetEndTimeUnixNano()))
	})
	return list
}

// requesting is an encoder that takes requests.
type requesting struct {
	*encoder

	buffers int
}

var _ otlpspan.Exporter = (*requesting)(nil)

func (r *requesting) RequestSize() int { return r.size }

func (r *requesting) Buffer() *[]byte {
	r.buffers++
	return new([]byte)
}

func (r *requesting) ExportRequest(_ context.Context, spans int, request *[]byte) error {
	err := r.keep(*request)
	last := r.list[len(r.list)-1].GetResourceSpans()
	if n := len(last[0].GetScopeSpans()[0].GetSpans()); len(last) != 1 || n != spans || n > r.size {
		r.t.Errorf("a request of %d resources and %d spans, said to be %d, of at most %d", len(last), n, spans, r.size)
	}
	return err
}

// TestRequestsAreTheSpans: an exporter that takes requests gets what one that takes
// spans gets.
func TestRequestsAreTheSpans(t *testing.T) {
	e := Exporters{Attributes: []attribute.KeyValue{attribute.String("all", "spans")}, Fanout: Fanout{Max: 3}, Keep: Keep{Failed: true}}
	spans, requests := &encoder{t: t}, &requesting{encoder: &encoder{t: t, size: 7}}
	e.Spans = spans
	a := NewCallback(e)
	e.Spans = requests
	b := NewCallback(e)
	for seed := range uint64(25) {
		hooktest.Random(callbacks.Multi(a, b), seed)
	}
	if err := errors.Join(a.Shutdown(t.Context()), b.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	want, got := spans.spans(), requests.spans()
	if len(want) < 150 {
		t.Errorf("only %d spans", len(want))
	}
	if diff := gocmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-spans +requests)\n%s", diff)
	}
	if a.Stats() != b.Stats() {
		t.Errorf("%+v and %+v", a.Stats(), b.Stats())
	}
	if requests.buffers != len(requests.list) {
		t.Errorf("%d buffers for %d requests", requests.buffers, len(requests.list))
	}
}

// TestRequestsThatFail: all that failed are told, and what is in them is counted.
func TestRequestsThatFail(t *testing.T) {
	e := &requesting{encoder: &encoder{t: t, size: 2, fail: func(n int) error {
		return []error{errors.New("first"), nil, errors.New("third"), errors.New("first")}[n-1]
	}}}
	cb := NewCallback(Exporters{Spans: e})
	cc, ev := node(t)
	for range 7 {
		cb.OnNodeEnd(cc, ev)
	}
	err := cb.Shutdown(t.Context())
	for _, want := range []string{"5 spans lost", "first", "third"} {
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("%v\nwant %q in it, once", err, want)
		}
	}
	if s := cb.Stats(); s.Exported != 2 || s.ExportFailed != 5 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
}
