package otlptrace

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/internal/pace"
)

// TestSize: no request is larger than asked, and none is left out.
func TestSize(t *testing.T) {
	c := otlptest.Start(t, nil)
	in := openBy(t, map[string]any{"endpoint": c.Endpoint, "batch": map[string]any{"size": 3}})
	run := hooktest.Start(in, hooktest.Config("daily"))
	for i := range 7 {
		run.Node(fmt.Sprint("n", i)).OK(0)
	}
	run.OK(0)
	if err := in.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.Spans()) != 8 || c.Count() != 3 {
		t.Errorf("%d spans in %d requests, want 8 in 3", len(c.Spans()), c.Count())
	}
	for _, r := range c.Resources() {
		if n := len(r.GetScopeSpans()[0].GetSpans()); n > 3 {
			t.Errorf("%d spans in a request", n)
		}
	}
}

// TestFailedRequestsAreAllTold: the other requests of a flush are sent.
func TestFailedRequestsAreAllTold(t *testing.T) {
	n := 0
	c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		n++
		return &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: fmt.Sprint("no. ", n)}}, nil
	})
	in := openBy(t, map[string]any{"endpoint": c.Endpoint, "batch": map[string]any{"size": 2}})
	emit(t, in)
	err := in.Flush(t.Context())
	if err == nil || c.Count() != 2 {
		t.Fatalf("%d requests, %v", c.Count(), err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	for _, want := range []string{"rejected 1 of 2 spans: no. 1", "rejected 1 of 2 spans: no. 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
}

// TestQueue: what has no place is dropped, counted and told once. The collector does
// not answer before all is emitted: a full request leaves without a flush.
func TestQueue(t *testing.T) {
	var slow sync.Mutex
	c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		slow.Lock()
		defer slow.Unlock()
		return &coltracepb.ExportTraceServiceResponse{}, nil
	})
	in := openBy(t, map[string]any{"endpoint": c.Endpoint, "batch": map[string]any{"queue": 2}})
	emitTimes := func(n int) {
		slow.Lock()
		defer slow.Unlock()
		for range n {
			emit(t, in)
		}
	}
	emitTimes(2)
	err := in.Flush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the queue of 2 had no room for 6 spans") {
		t.Errorf("%v", err)
	}
	if n := len(c.Spans()); n != 2 {
		t.Errorf("%d spans arrived, want 2", n)
	}
	emitTimes(1)
	if err := in.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "no room for 2 spans") {
		t.Errorf("the next flush says %v", err)
	}
	if err := in.Flush(t.Context()); err != nil {
		t.Errorf("with nothing new: %v", err)
	}
}

// TestPaceHoldsBackFewThings: what is nothing, much, or in a hurry does not wait.
func TestPaceHoldsBackFewThings(t *testing.T) {
	for name, tt := range map[string]struct {
		ready, spans int
		hurry        bool
		want         time.Duration
	}{
		"nothing":          {},
		"few":              {ready: 3, spans: 1, want: 10 * time.Second},
		"few of a program": {spans: 3, want: 10 * time.Second},
		"a full request":   {ready: 5},
		"full by both":     {ready: 4, spans: 1},
		"few, but a hurry": {ready: 1, hurry: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := forwardTraces(&runs{}, &sent{})
				f.pace, f.size, f.ready = pace.New(time.Second), 5, func() int { return tt.ready }
				hurry := func() {}
				ctx := t.Context()
				if tt.hurry {
					ctx, hurry = context.WithTimeout(ctx, 0)
				}
				defer hurry()
				begin := time.Now()
				for range 4 + 10 {
					f.traces.ResourceSpans = []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: make([]*tracepb.Span, tt.spans)}}}}
					if err := f.Flush(ctx); err != nil {
						t.Fatal(err)
					}
				}
				if d := time.Since(begin); d != tt.want {
					t.Errorf("took %s, want %s", d, tt.want)
				}
			})
		})
	}
}
