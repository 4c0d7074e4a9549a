package enginetest

import (
	"context"
	"sync"

	"github.com/spanloom/spanloom/cache"
)

// shelf is a cache that keeps what it is given.
type shelf struct {
	mu sync.Mutex
	m  map[string]cache.Entry
}

func (s *shelf) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.m[key]
	return e, ok, nil
}

func (s *shelf) Put(_ context.Context, key string, e cache.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]cache.Entry{}
	}
	s.m[key] = e
	return nil
}
