package backend_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// TestWhatCameMeanwhileIsFlushedTogether: a flush that takes its time does not
// make a backlog.
func TestWhatCameMeanwhileIsFlushedTogether(t *testing.T) {
	flushes := 0
	in := &instance{flush: func() error {
		flushes++
		time.Sleep(100 * time.Millisecond)
		return nil
	}}
	c := configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const batches = 12
	for seq := range uint64(batches) {
		if err := s.Send(batch(seq + 1)); err != nil {
			t.Fatal(err)
		}
	}
	for last := uint64(0); last < batches; {
		ack, err := s.Recv()
		if err != nil || ack.GetSeq() <= last || ack.GetError() != "" {
			t.Fatalf("%v after %d: %v", ack, last, err)
		}
		last = ack.GetSeq()
	}
	if n := len(in.Events()); n != batches || flushes > batches/2 {
		t.Errorf("%d events, %d flushes of %d batches", n, flushes, batches)
	}
}

// waiting is an instance whose Flush waits for a hurry, and then for the end of
// an export.
func waiting(t *testing.T, export time.Duration) (c pb.BackendClient, s pb.Backend_StreamClient) {
	t.Helper()
	begun := make(chan struct{}, 100)
	in := &instance{flushContext: func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case <-backend.Hurry(ctx):
		case <-time.After(10 * time.Second):
			return errors.New("no hurry")
		}
		select {
		case <-ctx.Done():
			return errors.New("cut short")
		case <-time.After(export):
			return nil
		}
	}}
	c = configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(batch(1)); err != nil {
		t.Fatal(err)
	}
	<-begun
	return c, s
}

// TestFlushHurries: nothing is held back when the host waits.
func TestFlushHurries(t *testing.T) {
	c, s := waiting(t, 0)
	if r, err := c.Flush(t.Context(), &pb.FlushRequest{}); err != nil || r.GetError() != "" {
		t.Error(r, err)
	}
	if ack, err := s.Recv(); err != nil || ack.GetError() != "" {
		t.Error(ack, err)
	}
}

// TestFlushWithoutDeadlineEndsNothing: not when its caller goes away either.
func TestFlushWithoutDeadlineEndsNothing(t *testing.T) {
	c, s := waiting(t, 300*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := c.Flush(ctx, &pb.FlushRequest{}); err == nil {
		t.Error("Flush outlives its context")
	}
	if ack, err := s.Recv(); err != nil || ack.GetError() != "" {
		t.Error(ack, err)
	}
}
