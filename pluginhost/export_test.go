//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// spanTaker is an instance, in this process, that takes spans and nodes.
type spanTaker struct {
	callbacks.Base

	mu    sync.Mutex
	heard []string
}

func (s *spanTaker) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, text)
}

func (s *spanTaker) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

func (s *spanTaker) OnNodeStart(cc *callbacks.CallbackContext, _ callbacks.NodeStart) {
	s.add("start " + cc.Name())
}

func (s *spanTaker) OnNodeEnd(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) {
	s.add("end " + cc.Name())
}

func (s *spanTaker) OnTraces(_ context.Context, r *coltracepb.ExportTraceServiceRequest) error {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, sp := range ss.GetSpans() {
				s.add(sp.GetName())
			}
		}
	}
	return nil
}

func (*spanTaker) Flush(context.Context) error { return nil }
func (*spanTaker) Close(context.Context) error { return nil }

func (s *spanTaker) host(t *testing.T, queue int64) *Host {
	t.Helper()
	return start(t, Spec{Name: "spans", QueueBytes: queue, Launch: InProcess(backend.Backend{
		Name: "spans", Open: func(context.Context, backend.Config) (backend.Instance, error) { return s, nil },
	})})
}

// spans returns a request with spans of these names.
func spans(names ...string) *coltracepb.ExportTraceServiceRequest {
	ss := &tracepb.ScopeSpans{}
	for _, n := range names {
		ss.Spans = append(ss.Spans, &tracepb.Span{Name: n})
	}
	return &coltracepb.ExportTraceServiceRequest{
		ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{ss}}},
	}
}

func marshalled(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestExportsArriveAmongTheEvents(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	run := hooktest.Start(h, hooktest.Config("daily"))
	var want []string
	for i := range 500 {
		node, span := fmt.Sprintf("n%d", i), fmt.Sprintf("s%d", i)
		n := run.Node(node)
		h.Export(Traces, marshalled(t, spans(span)))
		n.OK(0)
		want = append(want, "start "+node, span, "end "+node)
	}
	run.OK(0)
	flush(t, h)
	if diff := cmp.Diff(want, in.all()); diff != "" {
		t.Error(diff)
	}
	if st := h.Stats(); st.Emitted != 1502 || st.Delivered != st.Emitted {
		t.Errorf("%+v", st)
	}
}

func TestWhatABackendDoesNotTakeIsNotSent(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	ready(t, h)
	for range 3 {
		h.Export(Metrics, []byte("x"))
	}
	h.Export(Logs, []byte("x"))
	h.Export(signals, []byte("x"))
	h.Export(Traces, marshalled(t, spans("a")))
	flush(t, h)
	st := h.Stats()
	if st.Emitted != 1 || st.Delivered != 1 || st.Ignored[Metrics] != 3 || st.Ignored[Logs] != 1 || len(st.Ignored) != 2 {
		t.Errorf("%+v", st)
	}
	if line, ok := h.Ignored(); !ok || line != `backend "spans" takes no metrics and no logs` {
		t.Errorf("%q", line)
	}
	if line, ok := h.Lost(); ok {
		t.Error(line)
	}
}

// TestWhatCannotBeReadIsLostAlone: of its batch, that is, which has an error.
func TestWhatCannotBeReadIsCounted(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	h.Export(Traces, []byte("\xff\xff"))
	flushOnly(t, h)
	if st := h.Stats(); st.Dropped[ExportFailed] != 1 {
		t.Errorf("%+v", st)
	}
	lost(t, h, "ExportTraceServiceRequest cannot be read")
}

func TestAnExportTooLargeIsDropped(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	h.Export(Traces, make([]byte, MaxExport+1))
	fits := marshalled(t, spans(string(bytes.Repeat([]byte("x"), MaxExport-20))))
	h.Export(Traces, fits)
	flush(t, h)
	if st := h.Stats(); st.Emitted != 2 || st.Delivered != 1 || st.Dropped[Oversize] != 1 {
		t.Errorf("%+v, of one request of %d bytes and one of %d", st, len(fits), MaxExport+1)
	}
}

// TestExportsFillTheQueue: their bytes count, and the bound holds.
func TestExportsFillTheQueue(t *testing.T) {
	const limit = 256 << 10
	h := start(t, Spec{Name: "x", Launch: neverReady{}, QueueBytes: limit})
	const size, each = 1000, 100
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range each {
				h.Export(Traces, make([]byte, size))
			}
		})
	}
	wg.Wait()
	await(t, time.Second, "all encoded", h.queue.empty)
	st := h.Stats()
	if st.Emitted != 8*each || st.Dropped[QueueFull] == 0 || st.InFlight < limit/size/2 {
		t.Errorf("%+v", st)
	}
	exact(t, h)
	await(t, time.Second, "within the bound", func() bool { return h.queue.used.Load() <= limit })
	if used := h.queue.used.Load(); used < int64(st.InFlight)*size {
		t.Errorf("%d bytes are counted for %d requests of %d", used, st.InFlight, size)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = h.Shutdown(ctx)
	h.Export(Traces, make([]byte, MaxExport+1))
	if st := h.Stats(); st.Dropped[AtShutdown]+st.Dropped[QueueFull] != 8*each || st.Dropped[AfterShutdown] != 1 || h.queue.used.Load() != 0 {
		t.Errorf("%+v", st)
	}
}

func TestExportsToABackendThatDied(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	p := pid(t, h)
	h.takes.Store(allSignals) // as of one that took them
	if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.Export(Logs, []byte("x"))
	flush(t, h)
	if st := h.Stats(); st.Delivered != 1 {
		t.Errorf("%+v", st)
	}
	exact(t, h)
}

// TestOlderBackendsGetNoExports: what is sent before they have spoken is ignored
// there, and acknowledged.
func TestOlderBackendsGetNoExports(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	h.Export(Logs, []byte("early"))
	n := hooktest.Random(h, 1)
	flush(t, h)
	h.Export(Logs, []byte("late"))
	flush(t, h)
	st := h.Stats()
	if early := st.Delivered - uint64(n); early+st.Ignored[Logs] != 2 || st.Ignored[Logs] == 0 || st.Lost() > 0 {
		t.Errorf("%d events: %+v", n, st)
	}
}

// BenchmarkExport is the cost of one request of 4 KiB in the program.
func BenchmarkExport(b *testing.B) {
	h := &Host{queue: newQueue(1<<40, DropNewest)}
	h.takes.Store(allSignals)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var p pending
		for {
			h.queue.take(&p)
			select {
			case <-stop:
				return
			case <-h.queue.full:
			}
		}
	}()
	request := make([]byte, 4<<10)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h.Export(Traces, request)
		}
	})
	close(stop)
	<-done
}
