package telemetry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// exporter is a SpanExporter made of functions.
type exporter struct {
	export    func(context.Context, []sdktrace.ReadOnlySpan) error
	shutdowns atomic.Int32
}

func (e *exporter) ExportSpans(ctx context.Context, s []sdktrace.ReadOnlySpan) error {
	return e.export(ctx, s)
}

func (e *exporter) Shutdown(context.Context) error { e.shutdowns.Add(1); return nil }

func node(t testing.TB) (*callbacks.CallbackContext, callbacks.NodeEnd) {
	t.Helper()
	run := callbacks.NewRun(context.Background(), hooktest.Config("daily"))
	cc := &callbacks.CallbackContext{}
	run.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: fetch, Index: -1, Attempt: 1})
	return cc, callbacks.NodeEnd{End: callbacks.End{Duration: time.Millisecond, Result: callbacks.ResultSuccess}, Attempts: 1}
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var list []int
		sizes := func() []int {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(list)
		}
		cb := NewCallback(Exporters{Spans: &exporter{export: func(_ context.Context, s []sdktrace.ReadOnlySpan) error {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, len(s))
			return nil
		}}})
		cc, ev := node(t)
		cb.OnNodeEnd(cc, ev)
		time.Sleep(linger - time.Millisecond)
		synctest.Wait()
		if got := sizes(); len(got) != 0 {
			t.Errorf("exported after less than %s", linger)
		}
		time.Sleep(linger)
		synctest.Wait()
		if got := sizes(); !slices.Equal(got, []int{1}) {
			t.Errorf("batches %v after %s, want one of one", got, linger)
		}
		for range batchSize {
			cb.OnNodeEnd(cc, ev)
		}
		synctest.Wait()
		if got := sizes(); !slices.Equal(got, []int{1, batchSize}) {
			t.Errorf("batches %v, want a full one at once", got)
		}
		cb.OnNodeEnd(cc, ev)
		if err := cb.Flush(t.Context()); err != nil || len(sizes()) != 3 {
			t.Errorf("Flush: %v, batches %v", err, sizes())
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if st := cb.Stats(); st != (Stats{Exported: batchSize + 2}) {
			t.Errorf("%+v", st)
		}
	})
}

func TestExporterErrors(t *testing.T) {
	boom := errors.New("boom")
	var fail error
	exp := &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
		if errors.Is(fail, errPanic) {
			panic("oh")
		}
		return fail
	}}
	cb := NewCallback(Exporters{Spans: exp})
	cc, ev := node(t)
	for _, tc := range []struct {
		fail error
		want string
	}{
		{boom, "flush: 2 spans lost: boom"},
		{nil, ""},
		{errPanic, "flush: 2 spans lost: exporter panicked: oh"},
		{nil, ""},
	} {
		fail = tc.fail
		cb.OnNodeEnd(cc, ev)
		cb.OnNodeEnd(cc, ev)
		err := cb.Flush(t.Context())
		if got := text(err); got != tc.want {
			t.Errorf("Flush: %q, want %q", got, tc.want)
		}
	}
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if st := cb.Stats(); st != (Stats{Exported: 4, ExportFailed: 4, Panics: 1}) || st.Dropped() != 4 {
		t.Errorf("%+v", st)
	}
}

var errPanic = errors.New("panic")

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestFailureBetweenFlushes: a batch that failed while nobody waited is the
// next Flush's error.
func TestFailureBetweenFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cb := NewCallback(Exporters{Spans: &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
			return errors.New("boom")
		}}})
		cc, ev := node(t)
		cb.OnNodeEnd(cc, ev)
		time.Sleep(2 * linger)
		synctest.Wait()
		if got := text(cb.Flush(t.Context())); got != "flush: 1 spans lost: boom" {
			t.Errorf("Flush: %q", got)
		}
		if err := cb.Flush(t.Context()); err != nil {
			t.Errorf("second Flush: %v", err)
		}
		_ = cb.Shutdown(t.Context())
	})
}

func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		cb := NewCallback(Exporters{Spans: &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
			<-release
			return nil
		}}})
		cc, ev := node(t)
		for range maxQueue + 100 {
			cb.OnNodeEnd(cc, ev)
		}
		if st := cb.Stats(); st.Queued != maxQueue || st.QueueFull != 100 {
			t.Errorf("%+v, want %d queued and 100 dropped", st, maxQueue)
		}
		close(release)
		if err := cb.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "100 spans lost: the queue") {
			t.Errorf("Flush: %v", err)
		}
		_ = cb.Shutdown(t.Context())
		if st := cb.Stats(); st.Exported != maxQueue || st.Queued != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestHangingExporter: Flush and Shutdown return when their context ends, even
// when the exporter does not look at it, and what was not tried is not lost.
func TestHangingExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		cb := NewCallback(Exporters{Spans: &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error {
			<-release
			return nil
		}}})
		cc, ev := node(t)
		for range batchSize + 1 {
			cb.OnNodeEnd(cc, ev)
		}
		for _, f := range []func(context.Context) error{cb.Flush, cb.Flush, cb.Shutdown, cb.Shutdown} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			begin := time.Now()
			if err := f(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the deadline's", err)
			}
			if d := time.Since(begin); d > time.Second+grace {
				t.Errorf("returned after %s", d)
			}
			cancel()
		}
		close(release)
		synctest.Wait()
		cb.OnNodeEnd(cc, ev)
		st := cb.Stats()
		if st.Exported+st.ExportFailed != batchSize+1 || st.AfterShutdown != 1 || st.Queued != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestShutdownTwice(t *testing.T) {
	exp := &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error { return nil }}
	cb := NewCallback(Exporters{Spans: exp})
	cc, ev := node(t)
	cb.OnNodeEnd(cc, ev)
	for range 2 {
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := cb.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if n := exp.shutdowns.Load(); n != 1 {
		t.Errorf("the exporter was shut down %d times", n)
	}
	cb.OnNodeEnd(cc, ev)
	if st := cb.Stats(); st != (Stats{Exported: 1, AfterShutdown: 1}) {
		t.Errorf("%+v", st)
	}
}

func TestNoExporter(t *testing.T) {
	cb := NewCallback(Exporters{})
	if h := cb.Hooks(); h != 0 {
		t.Errorf("wants %s without an exporter", h)
	}
	cc, ev := node(t)
	cb.OnNodeEnd(cc, ev)
	if err := errors.Join(cb.Flush(t.Context()), cb.Shutdown(t.Context()), cb.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestAccounting: whatever runs at the same time, each span is counted once.
func TestAccounting(t *testing.T) {
	for range 20 {
		var got atomic.Uint64
		cb := NewCallback(Exporters{Spans: &exporter{export: func(_ context.Context, s []sdktrace.ReadOnlySpan) error {
			got.Add(uint64(len(s)))
			return nil
		}}})
		const goroutines, each = 8, 500
		var wg sync.WaitGroup
		for range goroutines {
			cc, ev := node(t)
			wg.Go(func() {
				for i := range each {
					cb.OnNodeEnd(cc, ev)
					if i == each/2 {
						_ = cb.Flush(context.Background())
					}
				}
			})
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		st := cb.Stats()
		if st.Exported+st.Dropped() != goroutines*each || st.Queued != 0 || st.Exported != got.Load() {
			t.Fatalf("%+v of %d spans, the exporter got %d", st, goroutines*each, got.Load())
		}
	}
}

func TestDefaultResource(t *testing.T) {
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp})
	cc, ev := node(t)
	cb.OnNodeEnd(cc, ev)
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := exp.GetSpans()[0].Resource.String()
	_ = cb.Shutdown(t.Context())
	if !strings.Contains(r, "service.name=") || !strings.Contains(r, "telemetry.sdk.language=go") {
		t.Errorf("resource %s", r)
	}
}
