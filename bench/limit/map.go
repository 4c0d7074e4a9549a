package limit

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Map calls fn for every item on GOMAXPROCS goroutines, the caller's among
// them, which claim chunk items at a time. It returns the first error.
func Map[I, O any](ctx context.Context, items []I, chunk int, fn func(context.Context, I) (O, error)) ([]O, error) {
	var (
		out     = make([]O, len(items))
		claimed atomic.Int64
		failed  atomic.Pointer[error]
		wait    sync.WaitGroup
	)
	work := func() {
		for failed.Load() == nil {
			end := int(claimed.Add(int64(chunk)))
			start := end - chunk
			if start >= len(items) {
				return
			}
			for i := start; i < min(end, len(items)); i++ {
				v, err := fn(ctx, items[i])
				if err != nil {
					keepFirst(&failed, err)
					return
				}
				out[i] = v
			}
		}
	}
	for range runtime.GOMAXPROCS(0) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return out, nil
}

//go:noinline
func keepFirst(first *atomic.Pointer[error], err error) { first.CompareAndSwap(nil, &err) }
