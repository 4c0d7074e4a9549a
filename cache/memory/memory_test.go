package memory

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/cachetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRules(t *testing.T) {
	cachetest.Run(t, func(t *testing.T) cache.Store {
		t.Helper()
		return open(t, Config{})
	})
}

func TestRulesWithAnAgeLimit(t *testing.T) {
	cachetest.Run(t, func(t *testing.T) cache.Store {
		t.Helper()
		return open(t, Config{MaxAge: 24 * time.Hour})
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{{MaxBytes: -1}, {MaxAge: -1}} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func key(i int) string { return fmt.Sprintf("%064x", i) }

func TestSizeLimit(t *testing.T) {
	const limit, size, n = 1 << 20, 1000, 5000
	s := open(t, Config{MaxBytes: limit})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < n; i += 4 {
				if err := s.Put(t.Context(), key(i), cache.Entry{Value: make([]byte, size)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	st := s.Stats()
	if st.Bytes > limit || st.Bytes < limit*9/10 {
		t.Errorf("%d bytes are kept of at most %d", st.Bytes, limit)
	}
	if want := int64(st.Entries) * (64 + size + overhead); st.Bytes != want {
		t.Errorf("%d entries take %d bytes, want %d", st.Entries, st.Bytes, want)
	}
	if st.Evicted != n-int64(st.Entries) {
		t.Errorf("%d of %d entries are left and %d evicted", st.Entries, n, st.Evicted)
	}
}

func TestTooLargeForTheStore(t *testing.T) {
	s := open(t, Config{MaxBytes: 1 << 20})
	if err := s.Put(t.Context(), key(1), cache.Entry{Value: []byte("old")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), key(1), cache.Entry{Value: make([]byte, 1<<20)}); err == nil || !strings.Contains(err.Error(), "MaxBytes") {
		t.Error(err)
	}
	if _, ok, err := s.Get(t.Context(), key(1)); ok || err != nil {
		t.Errorf("the value that was to be replaced: %v, %v", ok, err)
	}
}

func TestAgeLimit(t *testing.T) {
	s := open(t, Config{MaxAge: time.Hour})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	if err := s.Put(t.Context(), key(1), cache.Entry{Created: now}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		pass time.Duration
		want bool
	}{{0, true}, {time.Hour, true}, {time.Nanosecond, false}, {-time.Hour, false}} {
		now = now.Add(step.pass)
		if _, ok, err := s.Get(t.Context(), key(1)); ok != step.want || err != nil {
			t.Errorf("at %s: %v, %v", now, ok, err)
		}
	}
	want := cache.Stats{Hits: 2, Misses: 2, Expired: 1}
	if diff := cmp.Diff(want, s.Stats()); diff != "" {
		t.Error(diff)
	}
}

// A young entry that takes an old one's place is not removed with it.
func TestExpireSparesTheSuccessor(t *testing.T) {
	s := open(t, Config{MaxAge: time.Hour})
	if err := s.Put(t.Context(), key(1), cache.Entry{Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.expire(key(1))
	if _, ok, _ := s.Get(t.Context(), key(1)); !ok || s.Stats().Expired != 0 {
		t.Error("a young entry was removed")
	}
}

// Below its limits a store is a map.
func TestIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, want := context.Background(), map[string]string{}
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			k := key(rapid.IntRange(0, 5).Draw(t, "key"))
			if rapid.Bool().Draw(t, "put") {
				want[k] = rapid.String().Draw(t, "value")
				if err := s.Put(ctx, k, cache.Entry{Value: []byte(want[k])}); err != nil {
					t.Fatal(err)
				}
			}
			e, ok, err := s.Get(ctx, k)
			if value, put := want[k]; ok != put || err != nil || string(e.Value) != value {
				t.Fatalf("get returns %q, %v, %v; put was %q, %v", e.Value, ok, err, value, put)
			}
		}
		if st := s.Stats(); st.Entries != len(want) {
			t.Fatalf("%d entries, want %d", st.Entries, len(want))
		}
	})
}
