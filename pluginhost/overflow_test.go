//go:build unix

package pluginhost

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// late is a backend, in process, that comes up when it is told to, and remembers what
// it gets.
type late struct {
	faulty

	up chan struct{}

	mu      sync.Mutex
	batches []*pb.Batch
}

func (l *late) launch(ctx context.Context, _ *Spec) (*session, error) {
	select {
	case <-l.up:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	g := grpc.NewServer()
	pb.RegisterBackendServer(g, l)
	return connectInMemory(g, func() {})
}

func (l *late) Flush(context.Context, *pb.FlushRequest) (*pb.FlushResponse, error) {
	return &pb.FlushResponse{}, nil
}

func (l *late) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	for {
		b, err := stream.Recv()
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.batches = append(l.batches, b)
		l.mu.Unlock()
		if err := stream.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq()}); err != nil {
			return err
		}
	}
}

// TestOverflow: which part of an outage is there afterwards, and that the backend is
// told of the rest, in batches without gaps.
func TestOverflow(t *testing.T) {
	for _, rule := range []Overflow{DropNewest, DropOldest} {
		t.Run(string(rule), func(t *testing.T) {
			l := &late{up: make(chan struct{})}
			const size = 64 << 10
			h := start(t, Spec{Name: "x", Launch: l, QueueBytes: size, Overflow: rule})
			mark := func(text string) { h.Export(Logs, []byte(text)) }
			drain := func() {
				await(t, 10*time.Second, "encoded", func() bool { signal(h.hurry); return h.queue.empty() })
			}
			mark("first")
			for i := uint64(0); h.Stats().Dropped[QueueFull] < 5000; i++ {
				hooktest.Random(h, i)
				drain() // an outage is longer than what can be encoded at once
			}
			if rule == DropNewest {
				mark("too late")
			} else {
				await(t, 10*time.Second, "room", func() bool { return h.queue.used.Load() <= size/4*3 })
				mark("last")
			}
			h.queue.ledger.mu.Lock()
			window := len(h.queue.ledger.window)
			h.queue.ledger.mu.Unlock()
			if used := h.queue.used.Load(); used > size || window > 2000 {
				t.Errorf("%d bytes, %d batches", used, window)
			}
			close(l.up)
			err := h.Flush(t.Context())
			if err == nil || !strings.HasSuffix(err.Error(), "lost: the queue was full (64 KiB)") {
				t.Errorf("Flush: %v", err)
			}
			if err := h.Flush(t.Context()); err != nil {
				t.Errorf("a second Flush, without further losses: %v", err)
			}
			st := h.Stats()
			exact(t, h)
			l.mu.Lock()
			defer l.mu.Unlock()
			var got []string
			told, seq := uint64(0), uint64(0)
			for _, b := range l.batches {
				if b.GetSeq() != seq+1 {
					t.Fatalf("batch %d after batch %d", b.GetSeq(), seq)
				}
				seq = b.GetSeq()
				told += b.GetDroppedBefore()
				for _, e := range b.GetExports() {
					got = append(got, string(e.GetRequest()))
				}
			}
			want := map[Overflow][]string{DropNewest: {"first"}, DropOldest: {"last"}}[rule]
			if !slices.Equal(got, want) {
				t.Errorf("exports %q, want %q", got, want)
			}
			if lost := st.Dropped[QueueFull]; told > lost || rule == DropOldest && told < lost/2 { // the last ones were followed by nothing
				t.Errorf("the backend was told of %d of %d losses", told, lost)
			}
		})
	}
}

// TestMetricsHaveRoom: exports of metrics find room whatever else comes.
func TestMetricsHaveRoom(t *testing.T) {
	l := &late{up: make(chan struct{})}
	h := start(t, Spec{Name: "x", Launch: l, QueueBytes: 256 << 10})
	for i := uint64(0); h.Stats().Dropped[QueueFull] == 0; i++ {
		hooktest.Random(h, i)
	}
	for range 1000 {
		h.Export(Logs, make([]byte, 1000))
		h.Export(Traces, make([]byte, 1000))
	}
	h.Export(Metrics, requests(t)[Metrics])
	if st := h.Stats(); st.LossesBy[QueueFull].DataPoints > 0 {
		t.Errorf("%+v", st)
	}
	close(l.up)
	_ = h.Flush(t.Context())
}

// TestEachReasonIsTold in the line about losses, with its count.
func TestEachReasonIsTold(t *testing.T) {
	h := &Host{spec: Spec{Name: "x", QueueBytes: 1 << 20}}
	lost := func(r reason, n uint64) (list [reasons]units) { list[r][0] = n; return list }
	one := lost(reasonExportFailed, 2)
	two := one
	two[reasonQueueFull] = units{3, 1, 0, 0}
	down := lost(reasonBackendDown, 1)
	gone := &hostError{name: "x", err: &exitedError{"process exited"}}
	for want, got := range map[string]string{
		"the backend could not export them: refused":                                                                  h.why(&one, nil, "refused"),
		"3 events and 1 span, as the queue was full (1 MiB); 2 events, as the backend could not export them: refused": h.why(&two, nil, "refused"),
		"process exited": h.why(&down, gone, ""),
		"process exited; its last error: refused":           h.why(&down, gone, "refused"),
		"the backend could not export them; process exited": h.why(&one, gone, ""),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
