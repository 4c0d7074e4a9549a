//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// refusing is a backend whose destination takes no metrics.
type refusing struct{ faulty }

func (f *refusing) launch(context.Context, *Spec) (*session, error) {
	g := grpc.NewServer()
	pb.RegisterBackendServer(g, f)
	return connectInMemory(g, func() {})
}

func (*refusing) Flush(context.Context, *pb.FlushRequest) (*pb.FlushResponse, error) {
	return &pb.FlushResponse{}, nil
}

func (*refusing) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	for {
		b, err := stream.Recv()
		if err != nil {
			return err
		}
		ack := &pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq()}
		for _, e := range b.GetExports() {
			if e.GetSignal() == pb.Signal_SIGNAL_METRICS {
				ack.Refused = []*pb.Refusal{{Signal: pb.Signal_SIGNAL_METRICS, Reason: "it takes spans\x1b"}}
			}
		}
		if err := stream.Send(ack); err != nil {
			return err
		}
	}
}

// TestADestinationThatRefusesASignal: it is told of once, what was sent is not lost and
// not delivered, no more is sent for a while, and then it is tried again.
func TestADestinationThatRefusesASignal(t *testing.T) {
	var f refusing
	var mu sync.Mutex
	var log bytes.Buffer
	h := Start(Spec{Name: "x", Launch: &f, Logger: slog.New(slog.NewTextHandler(&locked{mu: &mu, w: &log}, nil))})
	if !h.Takes(Metrics) {
		t.Error("no metrics are taken before anybody has said so")
	}
	for range 2 {
		h.Export(Metrics, []byte("m"))
		h.Export(Logs, []byte("l"))
		flush(t, h)
		if h.Takes(Metrics) || !h.Takes(Logs) {
			t.Errorf("takes metrics: %v, logs: %v", h.Takes(Metrics), h.Takes(Logs))
		}
		h.Export(Metrics, []byte("m"))
		h.refused[Metrics].Store(time.Now().UnixNano()) // the time is over
		if !h.Takes(Metrics) {
			t.Error("metrics are never tried again")
		}
	}
	if s := h.Stats(); s.Emitted != 2 || s.Delivered != 2 || s.Ignored[Metrics] != 4 || s.Lost() != 0 {
		t.Errorf("%+v", s)
	}
	exact(t, h)
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if line, ok := h.Lost(); ok {
		t.Error(line)
	}
	await(t, 10*time.Second, "the word about it", func() bool { // the log is written by somebody else
		mu.Lock()
		defer mu.Unlock()
		return log.Len() > 0
	})
	mu.Lock()
	defer mu.Unlock()
	const want = `level=WARN msg="destination does not take all telemetry" backend=x signal=metrics reason="it takes spans\\x1b"`
	if strings.Count(log.String(), want) != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}

// locked is a writer that may be used concurrently.
type locked struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
