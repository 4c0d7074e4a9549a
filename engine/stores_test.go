package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/disk"
	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// stores returns one of each that the project has, with that limit of size.
func stores(t *testing.T, limit int64) map[string]cache.Store {
	t.Helper()
	onDisk, err := disk.Open(t.TempDir()+"/cache", disk.Config{MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { onDisk.Close() })
	inMemory, err := memory.New(memory.Config{MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]cache.Store{"disk": onDisk, "memory": inMemory}
}

// cachedMap is a map over a node that counts its calls and pads its results.
func cachedMap(calls *atomic.Int32, padding int) *engine.Pipeline[[]int, []string] {
	return engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]string] {
		return engine.Map(g, counted(calls, "pad", func(n int) string { return fmt.Sprintf("%0*d", padding, n) }), in, engine.WithCache(""))
	})
}

func upTo(n int) []int {
	in := make([]int, n)
	for i := range in {
		in[i] = i
	}
	return in
}

// runCached runs a map, checks its results and returns the reasons of its items.
func runCached(t *testing.T, p *engine.Pipeline[[]int, []string], n, padding int, store cache.Store) (why []string) {
	t.Helper()
	rec := &callbacktest.Recorder{}
	out, err := p.Run(t.Context(), upTo(n), engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
	if err != nil || len(out) != n {
		t.Fatal(err)
	}
	for i, s := range out {
		if s != fmt.Sprintf("%0*d", padding, i) {
			t.Fatalf("item %d is %q", i, s)
		}
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	for _, ev := range rec.Events() {
		switch e := ev.Event.(type) {
		case callbacks.MapItemStart:
			why = append(why, e.Cache.Reason)
		case callbacks.MapItemCached:
			why = append(why, "hit: "+e.Reason)
		}
	}
	return why
}

func count(list []string, word string) (n int) {
	for _, s := range list {
		if s == word {
			n++
		}
	}
	return n
}

func TestManyCachedItems(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t, 0) {
		var calls atomic.Int32
		p := cachedMap(&calls, 20)
		begun := time.Now()
		runCached(t, p, 1000, 20, store)
		first := time.Since(begun)
		why := runCached(t, p, 1000, 20, store)
		t.Logf("%s: %s, then %s", name, first, time.Since(begun)-first)
		if calls.Load() != 1000 || count(why, "hit: cache") != 1000 {
			t.Error(name, calls.Load(), count(why, "hit: cache"))
		}
	}
}

func TestEvictedItemsRunAgain(t *testing.T) {
	t.Parallel()
	const n, padding = 100, 1000
	for name, store := range stores(t, 10*4096) { // ten results on disk, 32 in memory
		var calls atomic.Int32
		p := cachedMap(&calls, padding)
		runCached(t, p, n, padding, store)
		why := runCached(t, p, n, padding, store)
		hits := count(why, "hit: cache")
		t.Logf("%s: %d hits", name, hits)
		if int(calls.Load()) != 2*n-hits || hits > 40 {
			t.Errorf("%s: %d calls, %d hits", name, calls.Load(), hits)
		}
	}
}

// TestDamagedResultsAreComputedAgain damages what is on disk between two runs, in
// several ways.
func TestDamagedResultsAreComputedAgain(t *testing.T) {
	t.Parallel()
	const n = 40
	dir := t.TempDir() + "/cache"
	var calls atomic.Int32
	p := cachedMap(&calls, 100)
	run := func() []string {
		store, err := disk.Open(dir, disk.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		return runCached(t, p, n, 100, store)
	}
	run()
	damaged := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || len(e.Name()) != 64 {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch damaged++; damaged % 3 {
		case 0:
			data[len(data)-1] ^= 1
		case 1:
			data = data[:len(data)/2]
		case 2:
			clear(data)
		}
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil || damaged != n+1 { // and what the last key was made of
		t.Fatal(damaged, err)
	}
	why := run()
	if got := count(why, "the stored result was damaged"); calls.Load() != 2*n || got != n {
		slices.Sort(why)
		t.Error(calls.Load(), got, slices.Compact(why))
	}
	if why := run(); calls.Load() != 2*n || count(why, "hit: cache") != n {
		t.Error(calls.Load(), why)
	}
}

// TestRunsThatShareAStoreComputeOnce has runs of one program at once.
func TestRunsThatShareAStoreComputeOnce(t *testing.T) {
	t.Parallel()
	for name, store := range stores(t, 0) {
		var calls atomic.Int32
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				out, err := cachedMap(&calls, 10).Run(t.Context(), upTo(500), engine.Config{Cache: store})
				if err != nil || out[499] != "0000000499" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 500 {
			t.Errorf("%s: %d calls", name, calls.Load())
		}
	}
}

// slowStore waits in Get, or in Put, until the context ends.
type slowStore struct {
	inGet   bool
	entered chan struct{}
	once    *sync.Once
}

func (s slowStore) wait(ctx context.Context) error {
	s.once.Do(func() { close(s.entered) })
	<-ctx.Done()
	return ctx.Err()
}

func (s slowStore) Get(ctx context.Context, _ string) (cache.Entry, bool, error) {
	if s.inGet {
		return cache.Entry{}, false, s.wait(ctx)
	}
	return cache.Entry{}, false, nil
}

func (s slowStore) Put(ctx context.Context, _ string, _ cache.Entry) error { return s.wait(ctx) }

// TestAStoreThatBlocksEndsWithItsContext has several items with the same key too,
// of two runs: those that wait for another's result end as well.
func TestAStoreThatBlocksEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, inGet := range []bool{true, false} {
		store := &slowStore{inGet: inGet, entered: make(chan struct{}), once: &sync.Once{}}
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				rec := &callbacktest.Recorder{}
				_, err := cachedMap(&calls, 10).Run(ctx, []int{1, 1, 2, 2, 3}, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
				// What waits in Put has its result: all of them may have one.
				if !errors.Is(err, context.Canceled) && (inGet || err != nil) {
					t.Errorf("in get %t: %v", inGet, err)
				}
				if err := callbacktest.Check(rec.Events()); err != nil {
					t.Error(err)
				}
			})
		}
		<-store.entered
		cancel()
		wg.Wait()
		t.Logf("in get %t: %d calls", inGet, calls.Load())
		if inGet && calls.Load() > 0 {
			t.Errorf("%d items ran after the cancel", calls.Load())
		}
	}
}
