package backend_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

var errSaid = errors.New("said")

type closer struct{ callbacks.Base }

func (closer) Close() error { return errSaid }

type full struct{ callbacks.Funcs }

func (f *full) Flush(context.Context) error { return errSaid }
func (f *full) Close(context.Context) error { return errSaid }

type logger struct{ callbacks.Base }

func (logger) OnLogs(context.Context, *collogspb.ExportLogsServiceRequest) error { return errSaid }
func (logger) Needs() callbacks.Hook                                             { return callbacks.HookNodeEnd }

func (logger) Doing() string { return "writing" }

func TestFromCallback(t *testing.T) {
	var nodes []string
	funcs := &callbacks.Funcs{NodeEnd: func(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) { nodes = append(nodes, cc.Path()) }}
	in := backend.FromCallback(funcs)
	run := hooktest.Start(in, hooktest.Config("daily"))
	run.Node("fetch").OK(time.Second)
	if err := errors.Join(in.Flush(t.Context()), in.Close(t.Context())); err != nil || !slices.Equal(nodes, []string{"daily/fetch"}) {
		t.Errorf("%v, %q", err, nodes)
	}
	if got := callbacks.Interest(in); got != funcs.Hooks() || got == callbacks.AllHooks {
		t.Errorf("wants %v, the callback %v", got, funcs.Hooks())
	}
	if err := backend.FromCallback(closer{}).Close(t.Context()); !errors.Is(err, errSaid) {
		t.Error(err)
	}
	if in := backend.FromCallback(&full{}); !errors.Is(in.Flush(t.Context()), errSaid) || !errors.Is(in.Close(t.Context()), errSaid) {
		t.Error("Flush and Close of a callback are not called")
	}
}

// TestACallbackIsWhatItIs: it may be a receiver, sparing, and say what it does.
func TestACallbackIsWhatItIs(t *testing.T) {
	c, _ := serve(t, func(backend.Config) (backend.Instance, error) { return backend.FromCallback(logger{}), nil })
	r, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.GetSignals(), []pb.Signal{pb.Signal_SIGNAL_LOGS}) || !slices.Equal(r.GetHooks(), []pb.Hook{pb.Hook_HOOK_NODE_END}) {
		t.Errorf("%v", r)
	}
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ack := send(t, s, exports(t, 1, &pb.Export{Signal: pb.Signal_SIGNAL_LOGS})); ack.GetError() != errSaid.Error() {
		t.Error(ack)
	}
	if h, err := c.Health(t.Context(), &pb.HealthRequest{}); err != nil || h.GetDoing() != "writing" {
		t.Errorf("%v, %v", h, err)
	}
}

// keeper takes batches as they are.
type keeper struct {
	callbacks.Base
	batches []*pb.Batch
	fail    error
}

func (k *keeper) OnBatch(_ context.Context, b *pb.Batch) error {
	k.batches = append(k.batches, b)
	if k.fail == nil && len(b.GetExports()) > 1 {
		panic("too many")
	}
	return k.fail
}

// OnPipelineStart is not for one that takes batches.
func (k *keeper) OnPipelineStart(*callbacks.CallbackContext, callbacks.PipelineStart) {
	panic("called")
}

func TestBatchReceiver(t *testing.T) {
	k := &keeper{}
	c, _ := serve(t, func(backend.Config) (backend.Instance, error) { return backend.FromCallback(k), nil })
	r, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.GetSignals()) != 3 || len(r.GetHooks()) < 10 {
		t.Errorf("is sent %v", r)
	}
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ack := send(t, s, batch(1)); ack.GetError() != "" || ack.GetSeq() != 1 || len(k.batches) != 1 {
		t.Errorf("%v, %d batches", ack, len(k.batches))
	}
	if ack := send(t, s, batch(1)); ack.GetSeq() != 1 || len(k.batches) != 1 {
		t.Errorf("again: %v, %d batches", ack, len(k.batches))
	}
	if ack := send(t, s, exports(t, 2, traces(t, "a"), traces(t, "b"))); ack.GetError() != "instance panicked in OnBatch: too many" || ack.GetLost() != nil {
		t.Error(ack)
	}
	bad := batch(3)
	bad.Events.Run = nil
	if ack := send(t, s, bad); ack.GetError() == "" || len(k.batches) != 2 {
		t.Errorf("malformed: %v, %d batches", ack, len(k.batches))
	}
	k.fail = errSaid
	if ack := send(t, s, batch(4)); ack.GetError() != "said" || ack.GetSeq() != 4 {
		t.Error(ack)
	}
}
