package backend_test

import (
	"context"
	"errors"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

// TestWhatIsExported: an acknowledgement says that something has arrived only when
// something has.
func TestWhatIsExported(t *testing.T) {
	away := errors.New("connection refused")
	for name, open := range map[string]func(backend.Config, *error) (backend.Instance, error){
		"an instance": func(_ backend.Config, err *error) (backend.Instance, error) { return flusher{err: err}, nil },
		"exporters": func(c backend.Config, err *error) (backend.Instance, error) {
			return backend.FromExporters(c, backend.Exporters{Spans: failing{err: err}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var fail error
			c, server := serve(t, func(config backend.Config) (backend.Instance, error) { return open(config, &fail) })
			if r, err := c.Configure(t.Context(), &pb.ConfigureRequest{Instance: "main"}); err != nil || r.GetError() != "" {
				t.Fatal(r, err)
			}
			defer func() { _ = server.Close(context.Background()) }()
			s, err := c.Stream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i, tt := range []struct {
				what string
				fail error
				b    *pb.Batch
				want bool
			}{
				{"a start", nil, batch(1), false},
				{"an end", nil, ended(2), true},
				{"nothing", nil, &pb.Batch{Epoch: 5, Seq: 3}, false},
				{"a start, away", away, batch(4), false},
				{"an end, away", away, ended(5), false},
				{"metrics, which nobody takes", nil, &pb.Batch{Epoch: 5, Seq: 6, Exports: []*pb.Export{{Signal: pb.Signal_SIGNAL_METRICS}}}, false},
				{"an end again", nil, ended(7), true},
			} {
				fail = tt.fail
				ack := send(t, s, tt.b)
				if ack.GetSeq() != uint64(i)+1 || ack.GetExported() != tt.want {
					t.Errorf("%s: %v", tt.what, ack)
				}
			}
		})
	}
}

// flusher is an instance that counts nothing.
type flusher struct {
	callbacks.Base

	err *error
}

func (f flusher) Flush(context.Context) error { return *f.err }
func (f flusher) Close(context.Context) error { return nil }

// failing is an exporter.
type failing struct{ err *error }

func (f failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return *f.err }
func (f failing) Shutdown(context.Context) error                             { return nil }

// recording encodes what a run does.
type recording struct {
	callbacks.Base

	enc *wire.Encoder
	n   uint64
}

func (r *recording) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	r.n++
	r.enc.Add(&wire.Record{Context: cc, Hook: callbacks.HookNodeEnd, Order: r.n, Result: ev.Result, Attempts: 1}, nil)
}

// ended is a node that has ended.
func ended(seq uint64) *pb.Batch {
	r := &recording{enc: wire.NewEncoder()}
	r.enc.Begin(5, seq, 0)
	hooktest.Start(r, hooktest.Config("p")).Node("a").OK(0)
	b, _ := proto.Clone(r.enc.Batch()).(*pb.Batch)
	return b
}
