package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/cache"
)

func TestEntriesOutliveTheStore(t *testing.T) {
	for name, end := range ends(t) {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, t.TempDir(), Config{})
			entries := map[string]cache.Entry{
				key(1): {},
				key(2): {Value: []byte("two"), Cost: 3, Created: time.Now(), TraceID: [16]byte{1}, SpanID: [8]byte{2}},
				key(3): {Value: make([]byte, 100<<10), Cost: -1, Created: time.Date(9000, 1, 1, 0, 0, 0, 1, time.UTC)},
			}
			for k, e := range entries {
				if err := s.Put(t.Context(), k, e); err != nil {
					t.Fatal(err)
				}
			}
			before := s.Stats()
			s = reopen(t, s, end)
			if diff := cmp.Diff(before, s.Stats()); diff != "" {
				t.Errorf("what is there has changed (-before +after):\n%s", diff)
			}
			for k, e := range entries {
				got, ok, err := s.Get(t.Context(), k)
				if err != nil || !ok || !bytes.Equal(got.Value, e.Value) || got.Cost != e.Cost || !got.Created.Equal(e.Created) || got.TraceID != e.TraceID || got.SpanID != e.SpanID {
					t.Errorf("get of %s returns %v, %v, %v", k, got, ok, err)
				}
			}
			if got, ok, _ := s.Get(t.Context(), key(1)); !ok || !got.Created.IsZero() {
				t.Errorf("a zero time returns as %s", got.Created)
			}
		})
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	for _, k := range []string{
		"", "a", "../" + key(1)[3:], strings.ToUpper(key(0xab)), key(1) + "0", key(1)[1:], "é" + key(1)[2:],
		strings.Repeat("/", 64), strings.Repeat(".", 64), strings.Repeat("\x00", 64), strings.Repeat("g", 64), "0x" + key(1)[2:],
	} {
		if err := s.Put(t.Context(), k, cache.Entry{}); err == nil || !strings.Contains(err.Error(), "64 lower-case hex digits") {
			t.Errorf("put of %q: %v", k, err)
		}
		if _, ok, err := s.Get(t.Context(), k); ok || err == nil {
			t.Errorf("get of %q: %v, %v", k, ok, err)
		}
	}
}

func TestClosedStoreFails(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	closeStore(t, s)
	closeStore(t, s)
	if err := s.Put(t.Context(), key(1), cache.Entry{}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, ok, err := s.Get(t.Context(), key(1)); ok || !errors.Is(err, os.ErrClosed) {
		t.Error(ok, err)
	}
}

func TestSizeLimitEvictsTheLeastRecentlyUsed(t *testing.T) {
	for name, end := range ends(t) {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			s, err := open(t.TempDir(), Config{MaxBytes: 4 * 4096}, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				put(t, s, key(i), "value")
				now = now.Add(time.Hour)
			}
			want(t, s, key(0), "value")
			dir := s.dir
			end(s)
			if s, err = open(dir, Config{MaxBytes: 4 * 4096}, func() time.Time { return now }); err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			if name == "crash" {
				wantOrder(t, s, 0) // the file says so, too
				// The kernel's times of writing and ours of use are in one order again.
				want(t, s, key(1), "value")
				now = now.Add(time.Hour)
				want(t, s, key(0), "value")
				wantOrder(t, s, 0, 1)
			} else {
				wantOrder(t, s, 0, 3, 2, 1)
			}
			victims := order(s)[2:]
			put(t, s, key(4), strings.Repeat("x", 5000)) // two blocks
			for _, k := range victims {
				wantMiss(t, s, k)
				if _, err := os.Stat(blobPath(s, k)); err == nil {
					t.Error("the file of an evicted entry is left")
				}
			}
			if st := s.Stats(); st.Entries != 3 || st.Bytes != 4*4096 || st.Evicted != 2 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// An entry that is put anew while its predecessor is evicted keeps its file.
func TestEvictionSparesTheSuccessor(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "anew")
	h, err := parseKey(key(1))
	if err != nil {
		t.Fatal(err)
	}
	s.unlink(h, false)
	want(t, s, key(1), "anew")
}

// order returns the keys, the last used first.
func order(s *Store) (keys []string) {
	for e := s.index.byUse.Front(); e != nil; e = e.Next() {
		keys = append(keys, e.Value.(*node).key.String())
	}
	return keys
}

// wantOrder checks which keys were used last.
func wantOrder(t *testing.T, s *Store, last ...int) {
	t.Helper()
	var names []string
	for _, i := range last {
		names = append(names, key(i))
	}
	if diff := cmp.Diff(names, order(s)[:len(last)]); diff != "" {
		t.Errorf("order of use (-want +got):\n%s", diff)
	}
}

func TestASmallerLimitShrinksTheStore(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	for i := range 10 {
		put(t, s, key(i), "value")
	}
	closeStore(t, s)
	s = openAt(t, s.dir, Config{MaxBytes: 3 * 4096})
	if st := s.Stats(); st.Entries != 3 || st.Evicted != 7 {
		t.Errorf("%+v", st)
	}
	if n := len(blobs(t, s.dir)); n != 3 {
		t.Errorf("%d files are left", n)
	}
}

// blobs returns the files in the shards of a directory.
func blobs(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTooLargeForTheStore(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{MaxBytes: 8192})
	put(t, s, key(1), "old")
	err := s.Put(t.Context(), key(1), cache.Entry{Value: make([]byte, 8192)})
	if err == nil || !strings.Contains(err.Error(), "MaxBytes") {
		t.Error(err)
	}
	wantMiss(t, s, key(1))
	if n := len(blobs(t, s.dir)); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestAgeLimit(t *testing.T) {
	for name, end := range ends(t) {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			clock := func() time.Time { return now }
			s, err := open(t.TempDir(), Config{MaxAge: time.Hour}, clock)
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, key(1), "old")
			now = now.Add(time.Hour)
			want(t, s, key(1), "old")
			put(t, s, key(2), "young")
			put(t, s, key(3), "young")
			now = now.Add(1)
			wantMiss(t, s, key(1))
			wantMiss(t, s, key(1))
			if st := s.Stats(); st.Expired != 1 || st.Entries != 2 {
				t.Errorf("%+v", st)
			}
			now = now.Add(time.Hour)
			put(t, s, key(4), "younger")
			end(s)
			if s, err = open(s.dir, s.config, clock); err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			if st := s.Stats(); st.Expired != 2 || st.Entries != 1 {
				t.Errorf("%+v", st)
			}
			if n := len(blobs(t, s.dir)); n != 1 {
				t.Errorf("%d files are left", n)
			}
			want(t, s, key(4), "younger")
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{{MaxBytes: -1}, {MaxAge: -1}} {
		if _, err := Open(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := Open("", Config{}); err == nil || !strings.Contains(err.Error(), "no directory is named") {
		t.Error(err)
	}
}

func TestSecondOpenFails(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	began := time.Now()
	_, err := Open(s.dir, Config{})
	if err == nil || !strings.Contains(err.Error(), s.dir) || !strings.Contains(err.Error(), "another process has it open") {
		t.Error(err)
	}
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("it took %s", d)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), exe)
	other.Env, other.Dir = append(os.Environ(), writerVariable+"=1"), s.dir
	if out, err := other.CombinedOutput(); err == nil || !strings.Contains(string(out), s.dir+": another process has it open") {
		t.Errorf("another process: %v\n%s", err, out)
	}
	put(t, s, key(1), "the first goes on")
	want(t, s, key(1), "the first goes on")
}

// Everything at once, in a store that is always full. A hit has the right value.
func TestConcurrentUseOfAFullStore(t *testing.T) {
	const keys, blocks = 64, 40
	s := openAt(t, t.TempDir(), Config{MaxBytes: blocks * 4096})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for range 500 {
				i := r.IntN(keys)
				switch r.IntN(10) {
				case 0, 1, 2:
					if err := s.Put(t.Context(), key(i), cache.Entry{Value: bytes.Repeat([]byte{byte(i)}, i*300), Created: time.Now()}); err != nil {
						t.Error(err)
					}
				case 3:
					if err := os.Truncate(blobPath(s, key(i)), 50); err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Error(err)
					}
				default:
					e, ok, err := s.Get(t.Context(), key(i))
					if err != nil && !errors.Is(err, cache.ErrCorrupt) {
						t.Error(err)
					}
					if ok && !bytes.Equal(e.Value, bytes.Repeat([]byte{byte(i)}, i*300)) {
						t.Errorf("key %d has a wrong value", i)
					}
				}
			}
		})
	}
	wg.Wait()
	st := s.Stats()
	if st.Bytes > blocks*4096 || st.Evicted == 0 || st.Corrupt == 0 {
		t.Errorf("%+v", st)
	}
	if n := len(blobs(t, s.dir)); n != st.Entries {
		t.Errorf("%d files for %d entries", n, st.Entries)
	}
}

// What the directory holds may be removed while it is in use.
func TestEmptiedDirectory(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "value")
	for _, name := range []string{tempName, key(1)[:2]} {
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	wantMiss(t, s, key(1))
	if st := s.Stats(); st.Entries != 0 || st.Corrupt != 0 {
		t.Errorf("%+v", st)
	}
	put(t, s, key(1), "value")
	want(t, s, key(1), "value")
}

// Without a limit in reach, a store is a map that outlives its process.
func TestIsAMap(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		s, err := Open(filepath.Join(base, fmt.Sprint(n)), Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, model := context.Background(), map[string]string{}
		check := func(k string) {
			e, ok, err := s.Get(ctx, k)
			if value, put := model[k]; ok != put || err != nil || string(e.Value) != value {
				t.Fatalf("get returns %q, %v, %v; put was %q, %v", e.Value, ok, err, value, put)
			}
		}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			k := key(rapid.IntRange(0, 5).Draw(t, "key"))
			switch rapid.SampledFrom([]string{"put", "put", "get", "close", "crash"}).Draw(t, "step") {
			case "put":
				model[k] = rapid.String().Draw(t, "value")
				if err := s.Put(ctx, k, cache.Entry{Value: []byte(model[k])}); err != nil {
					t.Fatal(err)
				}
			case "get":
				check(k)
			case "close":
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s, err = Open(s.dir, Config{})
			case "crash":
				crash(s)
				s, err = Open(s.dir, Config{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(model)) {
			check(k)
		}
		if st := s.Stats(); st.Entries != len(model) || st.Corrupt != 0 {
			t.Fatalf("%+v, want %d entries", st, len(model))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
