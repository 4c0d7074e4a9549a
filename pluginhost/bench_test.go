//go:build unix

package pluginhost

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

// contexts makes n nodes of one run.
func contexts(n int) []*callbacks.CallbackContext {
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		Epoch: time.Now(), Pipeline: &callbacks.Node{Name: "bench", Type: "pipeline"},
	})
	node := &callbacks.Node{Name: "embed", Type: "func", Signature: "func(context.Context, string) (string, error)"}
	list := make([]*callbacks.CallbackContext, n)
	for i := range list {
		list[i] = &callbacks.CallbackContext{}
		root.Begin(list[i], callbacks.Scope{Kind: callbacks.KindNode, Node: node, Index: -1, Attempt: 1, Iteration: int32(i)})
		list[i].SpanID()
	}
	return list
}

// BenchmarkHook is the cost of one hook, with a shipper that takes the events
// and throws them away.
func BenchmarkHook(b *testing.B) {
	for _, g := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", g), func(b *testing.B) {
			h := &Host{queue: newQueue(1<<40, DropNewest)}
			stop := make(chan struct{})
			done := make(chan struct{})
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
			list := contexts(1024)
			b.ReportAllocs()
			if g == 1 {
				for i := 0; b.Loop(); i++ {
					h.OnNodeEnd(list[i%1024], callbacks.NodeEnd{End: callbacks.End{Duration: 1, Result: callbacks.ResultSuccess}, Attempts: 1})
				}
			} else {
				b.SetParallelism(max(g/runtime.GOMAXPROCS(0), 1))
				b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						h.OnNodeEnd(list[i%1024], callbacks.NodeEnd{End: callbacks.End{Duration: 1, Result: callbacks.ResultSuccess}, Attempts: 1})
					}
				})
			}
			close(stop)
			<-done
		})
	}
}

// counting is an instance that does nothing.
type counting struct{ callbacks.Base }

func (counting) Flush(context.Context) error { return nil }
func (counting) Close(context.Context) error { return nil }

func countingBackend() backend.Backend {
	return backend.Backend{Name: "counting", Open: func(context.Context, backend.Config) (backend.Instance, error) {
		return counting{}, nil
	}}
}

// BenchmarkEndToEnd is the time per event from the hook to the acknowledgement,
// through a process with AutoMTLS.
func BenchmarkEndToEnd(b *testing.B) {
	h := start(b, Spec{Name: "bench", Launch: Self(countingBackend()), QueueBytes: 1 << 30})
	ready(b, h)
	list := contexts(4096)
	ctx := context.Background()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, cc := range list {
			h.OnNodeStart(cc, callbacks.NodeStart{})
			h.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: 1, Result: callbacks.ResultSuccess}, Attempts: 1})
		}
		n += 2 * len(list)
		if n%(64*len(list)) == 0 {
			if err := h.flush(ctx, ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := h.flush(ctx, ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	if s := h.Stats(); s.Delivered != s.Emitted {
		b.Errorf("%+v", s)
	}
}

// BenchmarkStart is the time from Start to the first acknowledgement.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		h := Start(Spec{Name: "bench", Launch: Self(countingBackend())})
		ready(b, h)
		b.StopTimer()
		shutdown(b, h, 5*time.Second)
		b.StartTimer()
	}
}
