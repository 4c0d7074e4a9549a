package memory

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/spanloom/spanloom/cache"
)

// overhead is what an entry takes beside its key and value: the node, its place
// in the table, and the times.
const overhead = 200

// Store is a [cache.Store] in memory.
type Store struct {
	config  Config
	now     func() time.Time // tests have another
	entries *otter.Cache[string, cache.Entry]

	hits, misses, evicted, expired atomic.Int64
}

var (
	_ cache.Store  = (*Store)(nil)
	_ cache.Tiered = (*Store)(nil)
)

// Tier implements [cache.Tiered]: it returns "memory".
func (*Store) Tier() string { return "memory" }

// New returns an empty store. An error says which field of the config is wrong.
func New(c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{config: c, now: time.Now}
	// Age is checked by Get, because an ExpiryCalculator would start a
	// goroutine that somebody had to stop.
	s.entries, err = otter.New(&otter.Options[string, cache.Entry]{
		MaximumWeight: uint64(c.MaxBytes),
		Weigher: func(key string, e cache.Entry) uint32 {
			return uint32(weight(key, e)) // Put has compared it
		},
		OnAtomicDeletion: func(d otter.DeletionEvent[string, cache.Entry]) {
			if d.Cause == otter.CauseOverflow {
				s.evicted.Add(1)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("memory cache: %w", err)
	}
	return s, nil
}

func weight(key string, e cache.Entry) int64 {
	return int64(len(key)) + int64(len(e.Value)) + overhead
}

// Get implements [cache.Store]. The entry's value is shared with other callers.
func (s *Store) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	e, ok := s.entries.GetIfPresent(key)
	if ok && s.tooOld(e) {
		s.expire(key)
		ok = false
	}
	if !ok {
		s.misses.Add(1)
		return cache.Entry{}, false, nil
	}
	s.hits.Add(1)
	return e, true, nil
}

func (s *Store) tooOld(e cache.Entry) bool {
	return s.config.MaxAge > 0 && s.now().Sub(e.Created) > s.config.MaxAge
}

// expire removes the key's entry, unless another has taken its place.
func (s *Store) expire(key string) {
	var expired bool
	s.entries.ComputeIfPresent(key, func(e cache.Entry) (cache.Entry, otter.ComputeOp) {
		if expired = s.tooOld(e); expired {
			return e, otter.InvalidateOp
		}
		return e, otter.CancelOp
	})
	if expired {
		s.expired.Add(1)
	}
}

// Put implements [cache.Store]. It fails when the entry alone is larger than
// the store may be.
func (s *Store) Put(_ context.Context, key string, e cache.Entry) error {
	if w := weight(key, e); w > min(s.config.MaxBytes, math.MaxUint32) {
		s.entries.Invalidate(key) // it is out of date
		return fmt.Errorf("memory cache: a result of %d bytes is larger than MaxBytes, %d: raise the limit or do not cache this node", len(e.Value), s.config.MaxBytes)
	}
	e.Value = bytes.Clone(e.Value)
	e.Created = e.Created.Round(0)       // so that age goes by the wall clock, as in a store on disk
	s.entries.Set(strings.Clone(key), e) // the key may be a piece of something large
	return nil
}

// Stats returns what the store has done and what it holds, once what is above
// the limit is gone.
func (s *Store) Stats() cache.Stats {
	s.entries.CleanUp()
	return cache.Stats{
		Hits: s.hits.Load(), Misses: s.misses.Load(), Evicted: s.evicted.Load(), Expired: s.expired.Load(),
		Entries: s.entries.EstimatedSize(), Bytes: int64(s.entries.WeightedSize()),
	}
}
