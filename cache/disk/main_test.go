package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/cachetest"
)

// writerVariable makes the test binary a process that writes to its working
// directory until it is killed.
const writerVariable = "SPANLOOM_TEST_CACHE_WRITER"

func TestMain(m *testing.M) {
	if os.Getenv(writerVariable) != "" {
		writeForever()
	}
	goleak.VerifyTestMain(m)
}

func TestRules(t *testing.T) {
	cachetest.Run(t, func(t *testing.T) cache.Store {
		t.Helper()
		return openAt(t, t.TempDir(), Config{})
	})
}

// The rules hold within limits, too.
func TestRulesWithLimits(t *testing.T) {
	cachetest.Run(t, func(t *testing.T) cache.Store {
		t.Helper()
		return openAt(t, t.TempDir(), Config{MaxBytes: 64 << 20, MaxAge: 24 * time.Hour})
	})
}

// openAt opens a store that is closed at the end of the test.
func openAt(t testing.TB, dir string, c Config) *Store {
	t.Helper()
	s, err := Open(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// crash ends the use of a store as the end of its process would.
func crash(s *Store) {
	s.open.Lock()
	defer s.open.Unlock()
	s.closed = true
	s.file.giveUp()
	_ = s.lock.Close()
	_ = s.root.Close()
}

// reopen opens a store's directory again, after a crash or Close.
func reopen(t testing.TB, s *Store, end func(*Store)) *Store {
	t.Helper()
	end(s)
	return openAt(t, s.dir, s.config)
}

// ends are the ways to end a store.
func ends(t testing.TB) map[string]func(*Store) {
	t.Helper()
	return map[string]func(*Store){"close": func(s *Store) { closeStore(t, s) }, "crash": crash}
}

func key(i int) string { return fmt.Sprintf("%02x%062x", i%256, i) }

// blobPath returns the path of a key's blob.
func blobPath(s *Store, key string) string { return filepath.Join(s.dir, key[:2], key) }

func put(t testing.TB, s *Store, key, value string) {
	t.Helper()
	if err := s.Put(t.Context(), key, cache.Entry{Value: []byte(value), Cost: time.Second, Created: s.now()}); err != nil {
		t.Fatal(err)
	}
}

// want checks that a key is a hit with that value.
func want(t testing.TB, s *Store, key, value string) {
	t.Helper()
	e, ok, err := s.Get(t.Context(), key)
	if err != nil || !ok || string(e.Value) != value {
		t.Errorf("get of %s returns %q, %v, %v, want %q", key, e.Value, ok, err, value)
	}
}

// wantMiss checks that a key is a miss without an error.
func wantMiss(t testing.TB, s *Store, key string) {
	t.Helper()
	if e, ok, err := s.Get(t.Context(), key); err != nil || ok {
		t.Errorf("get of %s returns %q, %v, %v, want a miss", key, e.Value, ok, err)
	}
}
