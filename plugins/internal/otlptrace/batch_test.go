package otlptrace

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
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

// TestQueue: what has no place is dropped, counted and told once.
func TestQueue(t *testing.T) {
	c := otlptest.Start(t, nil)
	in := openBy(t, map[string]any{"endpoint": c.Endpoint, "batch": map[string]any{"queue": 2}})
	emit(t, in)
	emit(t, in)
	err := in.Flush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "6 spans lost: the queue of 2 was full") {
		t.Errorf("%v", err)
	}
	if n := len(c.Spans()); n != 2 {
		t.Errorf("%d spans arrived, want 2", n)
	}
	emit(t, in)
	if err := in.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "2 spans lost") {
		t.Errorf("the next flush says %v", err)
	}
	if err := in.Flush(t.Context()); err != nil {
		t.Errorf("with nothing new: %v", err)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 200 * time.Millisecond
		p := newPace(linger)
		took := func(ctx context.Context, n int) time.Duration {
			begin := time.Now()
			for range n {
				p.wait(ctx, nil)
			}
			return time.Since(begin)
		}
		if d := took(t.Context(), burst); d != 0 {
			t.Errorf("a short program waits %s", d)
		}
		if d := took(t.Context(), 10); d != 10*linger {
			t.Errorf("ten more took %s, want %s", d, 10*linger)
		}
		time.Sleep(2*linger + linger/2)
		if d := took(t.Context(), 3); d != linger/2 {
			t.Errorf("three after a pause took %s, want %s", d, linger/2)
		}
		time.Sleep(time.Hour)
		if d := took(t.Context(), burst+1); d != linger {
			t.Errorf("after a long pause %s, want %s", d, linger)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if d := took(ctx, 1); d != time.Millisecond {
			t.Errorf("the end of the context was noticed after %s", d)
		}
		if d := took(ctx, 1000); d != 0 {
			t.Errorf("an ended context waits %s", d)
		}
		if d := took(t.Context(), 1); d > 2*linger {
			t.Errorf("after hurried flushes one waits %s", d)
		}
		if d := newPaceTook(t, 0); d != 0 {
			t.Errorf("without linger it took %s", d)
		}
	})
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
				f.pace, f.size, f.ready = newPace(time.Second), 5, func() int { return tt.ready }
				hurry := func() {}
				ctx := t.Context()
				if tt.hurry {
					ctx, hurry = context.WithTimeout(ctx, 0)
				}
				defer hurry()
				begin := time.Now()
				for range burst + 10 {
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

// TestPaceHurry: it ends a wait that has begun.
func TestPaceHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(time.Hour)
		for range burst {
			p.wait(t.Context(), nil)
		}
		hurry := make(chan struct{})
		time.AfterFunc(time.Millisecond, func() { close(hurry) })
		begin := time.Now()
		p.wait(t.Context(), hurry)
		if d := time.Since(begin); d != time.Millisecond {
			t.Errorf("the hurry was noticed after %s", d)
		}
	})
}

func newPaceTook(t *testing.T, linger time.Duration) time.Duration {
	t.Helper()
	p := newPace(linger)
	begin := time.Now()
	for range 100 {
		p.wait(t.Context(), nil)
	}
	return time.Since(begin)
}
