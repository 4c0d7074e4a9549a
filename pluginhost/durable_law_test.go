//go:build unix

package pluginhost

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/internal/hooktest"
)

// TestTheLedgerIsExactWithASpool whatever the backend does, and the next start has
// what was kept.
func TestTheLedgerIsExactWithASpool(t *testing.T) {
	base, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(base, strconv.Itoa(n))
		defer func() { _ = os.RemoveAll(dir) }()
		f := &faulty{t: t, hits: new(faultHits), again: true}
		f.script = rapid.SliceOfN(rapid.SampledFrom(faults[:]), 1, 12).Draw(t, "script")
		h := Start(Spec{
			Name: "x", Launch: f, Durable: &Durable{Dir: dir, MaxBytes: rapid.Int64Range(16<<10, 1<<20).Draw(t, "bytes")},
			ackTimeout: 20 * time.Millisecond, healthTimeout: 10 * time.Millisecond, restartDelay: time.Millisecond, retryDelay: time.Millisecond,
		})
		check := func() Stats {
			s := h.Stats()
			if s.Emitted != s.Delivered+s.Lost()+s.InFlight+s.Kept {
				t.Fatalf("the ledger is wrong: %+v", s)
			}
			if used := h.queue.used.Load(); used < 0 {
				t.Fatalf("%d bytes used", used)
			}
			return s
		}
		var emitted atomic.Uint64
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Go(func() {
				for i := range 15 {
					emitted.Add(uint64(hooktest.Random(h, uint64(g*100+i))))
					h.Export(Traces, make([]byte, 100*i*g))
					emitted.Add(1)
					check()
				}
			})
		}
		if rapid.Bool().Draw(t, "wait") {
			wg.Wait()
		}
		limit := rapid.IntRange(0, 40).Draw(t, "limit")
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limit)*time.Millisecond)
		defer cancel()
		_ = h.Shutdown(ctx)
		wg.Wait()
		s := check()
		if s.Emitted != emitted.Load() || s.InFlight != 0 {
			t.Fatalf("%d emitted: %+v", emitted.Load(), s)
		}
		h.wg.Wait()
		h.closeSpool(context.Background()) // Shutdown does not wait for it
		s = check()                        // the backend may have answered meanwhile

		good := &faulty{t: t, hits: new(faultHits), again: true, script: []string{"ok"}}
		h = Start(Spec{Name: "x", Launch: good, Durable: &Durable{Dir: dir}})
		ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Replay(ctx); err != nil {
			t.Fatal(err)
		}
		sp := h.Stats().Spool
		if sp.Adopted < s.Kept || s.Dropped[AtShutdown] == 0 && sp.Adopted != s.Kept || sp.Delivered != sp.Adopted {
			t.Fatalf("%+v, then %+v", s, sp)
		}
		_ = h.Shutdown(ctx)
	})
}
