package cachetest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// good is the least that keeps all rules. A broken store changes one of its
// functions.
type good struct {
	mu      sync.Mutex
	entries map[string]cache.Entry
}

func newGood() *good { return &good{entries: map[string]cache.Entry{}} }

func (s *good) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	return e, ok, nil
}

func (s *good) Put(_ context.Context, key string, e cache.Entry) error {
	e.Value = bytes.Clone(e.Value)
	s.keep(key, e)
	return nil
}

func (s *good) keep(key string, e cache.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = e
}

// broken is a store made of two functions.
type broken struct {
	get func(ctx context.Context, key string) (cache.Entry, bool, error)
	put func(ctx context.Context, key string, e cache.Entry) error
}

func (s broken) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	return s.get(ctx, key)
}

func (s broken) Put(ctx context.Context, key string, e cache.Entry) error {
	return s.put(ctx, key, e)
}

func TestGoodStorePasses(t *testing.T) {
	Run(t, func(*testing.T) cache.Store { return newGood() })
}

func TestBrokenStoresFailTheirRule(t *testing.T) {
	cases := []struct {
		name  string
		rule  int
		wreck func(s *broken, g *good)
	}{
		{"cuts at a zero byte", 1, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				e.Value, _, _ = bytes.Cut(e.Value, []byte{0})
				return g.Put(ctx, key, e)
			}
		}},
		{"takes an empty value for none", 2, func(s *broken, g *good) {
			s.get = func(ctx context.Context, key string) (cache.Entry, bool, error) {
				e, ok, err := g.Get(ctx, key)
				return e, ok && len(e.Value) > 0, err
			}
		}},
		{"keeps the first value", 3, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				old, ok, _ := g.Get(ctx, key)
				if ok && string(old.Value) == "first" {
					return nil
				}
				return g.Put(ctx, key, e)
			}
		}},
		{"keeps the end of a longer value", 3, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				old, ok, _ := g.Get(ctx, key)
				if ok && bytes.HasPrefix(old.Value, []byte("the second")) {
					e.Value = slices.Concat(e.Value, old.Value[len(e.Value):])
				}
				return g.Put(ctx, key, e)
			}
		}},
		{"a miss is an error", 4, func(s *broken, g *good) {
			s.get = func(ctx context.Context, k string) (cache.Entry, bool, error) {
				e, ok, _ := g.Get(ctx, k)
				if !ok {
					return e, ok, errors.New("not found")
				}
				return e, ok, nil
			}
		}},
		{"everything is a hit", 4, func(s *broken, g *good) {
			s.get = func(ctx context.Context, k string) (cache.Entry, bool, error) {
				e, _, err := g.Get(ctx, k)
				return e, true, err
			}
		}},
		{"whole seconds", 5, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				e.Created = e.Created.Truncate(time.Second)
				return g.Put(ctx, key, e)
			}
		}},
		{"whole milliseconds of cost", 5, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				e.Cost = e.Cost.Truncate(time.Millisecond)
				return g.Put(ctx, key, e)
			}
		}},
		{"forgets the span", 5, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				e.SpanID = [8]byte{}
				return g.Put(ctx, key, e)
			}
		}},
		{"keeps the caller's bytes", 6, func(s *broken, g *good) {
			s.put = func(_ context.Context, key string, e cache.Entry) error {
				g.keep(key, e)
				return nil
			}
		}},
		{"one at a time", 7, func(s *broken, g *good) {
			var busy atomic.Int32
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				defer busy.Add(-1)
				if busy.Add(1) > 1 {
					return errors.New("busy")
				}
				for range 1000 {
					runtime.Gosched()
				}
				return g.Put(ctx, key, e)
			}
		}},
		{"half a value when cancelled", 8, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				if ctx.Err() != nil {
					e.Value = e.Value[:len(e.Value)/2]
				}
				return g.Put(ctx, key, e)
			}
		}},
		{"refuses large values", 9, func(s *broken, g *good) {
			s.put = func(ctx context.Context, key string, e cache.Entry) error {
				if len(e.Value) > 1<<20 {
					return errors.New("too large")
				}
				return g.Put(ctx, key, e)
			}
		}},
		{"half the key", 10, func(s *broken, g *good) {
			s.get = func(ctx context.Context, key string) (cache.Entry, bool, error) { return g.Get(ctx, key[:32]) }
			s.put = func(ctx context.Context, key string, e cache.Entry) error { return g.Put(ctx, key[:32], e) }
		}},
	}
	tested := map[int]bool{}
	for _, c := range cases {
		tested[c.rule] = true
		t.Run(c.name, func(t *testing.T) {
			var failed []int
			for _, r := range rules {
				g := newGood()
				s := broken{g.Get, g.Put}
				c.wreck(&s, g)
				if err := r.check(t.Context(), s); err != nil {
					failed = append(failed, r.number)
				}
			}
			if diff := cmp.Diff([]int{c.rule}, failed); diff != "" {
				t.Errorf("rules that failed (-want +got):\n%s", diff)
			}
		})
	}
	for i, r := range rules {
		if r.number != i+1 {
			t.Errorf("rule %d stands at place %d", r.number, i+1)
		}
		if !tested[r.number] {
			t.Errorf("no broken store fails rule %s", r.title())
		}
	}
}
