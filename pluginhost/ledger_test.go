//go:build unix

package pluginhost

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

// faulty is a backend that answers as its script says, in process.
type faulty struct {
	pb.UnimplementedBackendServer

	script []string
	hits   *faultHits
	calls  atomic.Int64
	got    atomic.Uint64 // events and exports in batches that were acknowledged without error
	again  bool          // batches may come again over the same stream
	t      *rapid.T
}

type faultHits [len(faults)]atomic.Int64

// missed returns the faults that were never injected.
func (h *faultHits) missed() (list []string) {
	for k, name := range faults {
		if h[k].Load() == 0 {
			list = append(list, name)
		}
	}
	return list
}

var faults = [...]string{"ok", "fail", "slow", "skip", "stranger", "future", "end", "stall", "refuse"}

func (f *faulty) launch(context.Context, *Spec) (*session, error) {
	g := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage))
	pb.RegisterBackendServer(g, f)
	return connectInMemory(g, func() {})
}

func (f *faulty) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return &pb.DescribeResponse{ProtocolVersion: 1, Linger: int64(time.Millisecond)}, nil
}

func (f *faulty) Configure(context.Context, *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return &pb.ConfigureResponse{Signals: []pb.Signal{
		pb.Signal_SIGNAL_TRACES, pb.Signal_SIGNAL_METRICS, pb.Signal_SIGNAL_LOGS, 77,
	}}, nil
}

func (f *faulty) Shutdown(context.Context, *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	return &pb.ShutdownResponse{}, nil
}

func (f *faulty) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	skipped, last := uint64(0), uint64(0) // what was not acknowledged comes again over a new stream
	seq := uint64(0)
	for ; ; f.calls.Add(1) {
		b, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := wire.Validate(b); err != nil {
			f.t.Error(err)
		}
		if seq > 0 && b.GetSeq() != seq+1 && !f.again {
			f.t.Errorf("batch %d after batch %d", b.GetSeq(), seq)
		}
		seq = b.GetSeq()
		orders := slices.Clone(b.GetEvents().GetOrder())
		for _, e := range b.GetExports() {
			orders = append(orders, e.GetOrder())
		}
		slices.Sort(orders)
		for _, o := range orders {
			if o <= last && !f.again {
				f.t.Errorf("order %d after %d", o, last)
			}
			last = o
		}
		n := skipped + uint64(len(orders))
		what := f.script[int(f.calls.Load())%len(f.script)]
		for k, name := range faults {
			if name == what {
				f.hits[k].Add(1)
			}
		}
		ack := &pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq()}
		switch what {
		case "fail":
			ack.Error = "no"
		case "slow":
			time.Sleep(3 * time.Millisecond)
		case "skip":
			skipped = n
			continue
		case "stranger":
			_ = stream.Send(&pb.Ack{Epoch: b.GetEpoch() + 1, Seq: b.GetSeq()})
		case "future":
			ack.Seq += 1000
		case "end":
			return status.Error(codes.Internal, "I quit")
		case "refuse":
			ack.Refused = []*pb.Refusal{{Signal: pb.Signal_SIGNAL_METRICS, Reason: "no metrics here"}, {Signal: 77}}
		case "stall":
			<-stream.Context().Done()
			return nil
		}
		skipped = 0
		if ack.GetError() == "" {
			f.got.Add(n)
		}
		if err := stream.Send(ack); err != nil {
			return err
		}
	}
}

func TestTheLedgerIsExactWhateverHappens(t *testing.T) {
	var hits faultHits
	checkLedgers(t, &hits)
	for try := 0; try < 5 && len(hits.missed()) > 0; try++ { // on a busy machine few batches arrive
		checkLedgers(t, &hits)
	}
	if missed := hits.missed(); len(missed) > 0 {
		t.Errorf("faults that were never injected: %q", missed)
	}
}

func checkLedgers(t *testing.T, hits *faultHits) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		f := &faulty{t: t, hits: hits}
		f.script = rapid.SliceOfN(rapid.SampledFrom(faults[:]), 1, 12).Draw(t, "script")
		size := rapid.Int64Range(8<<10, 1<<20).Draw(t, "bytes")
		h := Start(Spec{
			Name: "x", Launch: f, QueueBytes: size, Overflow: rapid.SampledFrom([]Overflow{DropNewest, DropOldest}).Draw(t, "overflow"),
			ackTimeout: 20 * time.Millisecond, healthTimeout: 10 * time.Millisecond, restartDelay: time.Millisecond,
		})
		check := func() {
			s := h.Stats()
			if s.Emitted != s.Delivered+s.Lost()+s.InFlight {
				t.Fatalf("the ledger is wrong: %+v", s)
			}
			if used := h.queue.used.Load(); used < 0 || used > size+shards*step {
				t.Fatalf("%d bytes used of %d", used, size)
			}
		}
		var emitted atomic.Uint64
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Go(func() {
				for i := range 15 {
					emitted.Add(uint64(hooktest.Random(h, uint64(g*100+i))))
					for j := range i % 4 {
						h.Export(Signal(j), make([]byte, 100*i*g))
						emitted.Add(uint64(min(1, int(signals)-j))) // there are but three signals
					}
					check()
				}
			})
		}
		limit := rapid.IntRange(0, 40).Draw(t, "limit")
		if rapid.Bool().Draw(t, "wait") {
			wg.Wait()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limit)*time.Millisecond)
		defer cancel()
		_ = h.Shutdown(ctx)
		wg.Wait()
		check()
		s := h.Stats()
		if s.Emitted+s.Ignored[Metrics] != emitted.Load() || s.InFlight != 0 || s.Ignored[Metrics] > 0 && !slices.Contains(f.script, "refuse") {
			t.Fatalf("%d emitted: %+v", emitted.Load(), s)
		}
		if s.Delivered > f.got.Load() {
			t.Fatalf("%d acknowledged: %+v", f.got.Load(), s)
		}
	})
}
