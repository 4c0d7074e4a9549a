//go:build unix

package pluginhost

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// neverReady is a backend that starts for as long as it may.
type neverReady struct{}

func (neverReady) launch(ctx context.Context, _ *Spec) (*session, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Events that wait for a backend hold nothing of the program in memory.
func TestContextsAreNotKept(t *testing.T) {
	for name, l := range map[string]Launcher{
		"not ready":           neverReady{},
		"not acknowledging":   &faulty{script: []string{"stall"}, hits: new(faultHits)},
		"acknowledging early": &faulty{script: []string{"ok"}, hits: new(faultHits)},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, Spec{Name: "x", Launch: l})
			type key struct{}
			var kept []weak.Pointer[[1 << 20]byte]
			for range 20 {
				value := new([1 << 20]byte)
				kept = append(kept, weak.Make(value))
				cc := callbacks.NewRun(context.WithValue(t.Context(), key{}, value), callbacks.RunConfig{
					Epoch: time.Now(), Pipeline: &callbacks.Node{Name: "p"},
				})
				h.OnPipelineStart(cc, callbacks.PipelineStart{})
				h.OnPipelineEnd(cc, callbacks.PipelineEnd{})
			}
			await(t, 5*time.Second, "free", func() bool {
				runtime.GC()
				for _, p := range kept {
					if p.Value() != nil {
						return false
					}
				}
				return true
			})
			if s := h.Stats(); name != "acknowledging early" && s.InFlight != 40 {
				t.Errorf("%+v", s)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_ = h.Shutdown(ctx)
		})
	}
}

// The bound is about the very bytes that wait.
func TestBytesAreCountedExactly(t *testing.T) {
	const limit = 100 << 10
	h := start(t, Spec{Name: "x", Launch: neverReady{}, QueueBytes: limit})
	n := 0
	for seed := uint64(0); h.Stats().Dropped[QueueFull] == 0; seed++ {
		n += hooktest.Random(h, seed)
		if seed > 100_000 {
			t.Fatal("the queue is never full")
		}
		if seed%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	await(t, time.Second, "all encoded", h.queue.empty)
	l := &h.queue.ledger
	sum, events := int64(0), 0
	await(t, time.Second, "all counted", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		sum, events = 0, 0
		for _, b := range l.window {
			sum += int64(len(b.data))
			events += b.events
		}
		return events == int(l.inFlight)
	})
	if used := h.queue.used.Load(); used != sum || used == 0 || used > limit {
		t.Errorf("%d bytes are counted, of %d, with a limit of %d", used, sum, limit)
	}
	t.Logf("%d of %d events in %d bytes", events, n, sum)
	exact(t, h)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = h.Shutdown(ctx)
	if used := h.queue.used.Load(); used != 0 {
		t.Errorf("%d bytes are counted after Shutdown", used)
	}
}

func TestFlushAndShutdownAtOnce(t *testing.T) {
	for i := range 40 {
		h := Start(Spec{Name: "x", Launch: InProcess(testBackend("recorder")), Config: []byte("{}")})
		var all sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						ctx, cancel := context.WithTimeout(context.Background(), time.Second)
						_ = h.Flush(ctx)
						cancel()
					}
				}
			})
		}
		hooktest.Random(h, uint64(i))
		time.Sleep(time.Duration(i) * 100 * time.Microsecond)
		shutdown(t, h, 50*time.Millisecond)
		close(stop)
		all.Wait()
	}
}
