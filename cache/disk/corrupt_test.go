package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/cache"
)

// damagedMiss checks that a damaged blob is found, counted and removed, and that
// the key can be put again.
func damagedMiss(t *testing.T, s *Store, key string) {
	t.Helper()
	before := s.Stats().Corrupt
	e, ok, err := s.Get(t.Context(), key)
	if ok || !errors.Is(err, cache.ErrCorrupt) {
		t.Errorf("get returns %q, %v, %v", e.Value, ok, err)
	}
	if err != nil && !strings.Contains(err.Error(), blobPath(s, key)) {
		t.Errorf("the error does not say where: %v", err)
	}
	if n := s.Stats().Corrupt - before; n != 1 {
		t.Errorf("%d damaged entries are counted, want 1", n)
	}
	if _, err := os.Lstat(blobPath(s, key)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the damaged file is left: %v", err)
	}
	wantMiss(t, s, key)
	put(t, s, key, "anew")
	want(t, s, key, "anew")
}

// eachEnd damages the blob of a small entry while the store is open, and while
// it is closed.
func eachEnd(t *testing.T, k string, damage func(path string, blob []byte) error) {
	t.Helper()
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, k, "a small value")
	path := blobPath(s, k)
	blob, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := damage(path, blob); err != nil {
		t.Fatal(err)
	}
	damagedMiss(t, s, k)

	for name, end := range ends(t) {
		put(t, s, k, "a small value")
		end(s)
		if err := damage(path, blob); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, s.dir, Config{})
		if s.Stats().Corrupt == 1 { // seen by the rebuild
			wantMiss(t, s, k)
			put(t, s, k, "anew")
			want(t, s, k, "anew")
		} else {
			damagedMiss(t, s, k)
		}
		if t.Failed() {
			t.Fatal("after", name)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	h, err := parseKey(key(1))
	if err != nil {
		t.Fatal(err)
	}
	e := cache.Entry{Value: []byte("a small value"), Cost: time.Second, Created: time.Now()}
	with := e
	with.TraceID, with.SpanID = [16]byte{1}, [8]byte{2}
	for _, e := range []cache.Entry{e, with} {
		blob := append(encodeHeader(h, e), e.Value...)
		for i := range len(blob) * 8 {
			bad := bytes.Clone(blob)
			bad[i/8] ^= 1 << (i % 8)
			if got, err := decodeBlob(h, bad); err == nil {
				t.Errorf("with bit %d flipped: %+v", i, got)
			}
		}
	}
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	k := key(1)
	put(t, s, k, "a small value")
	blob, err := os.ReadFile(blobPath(s, k))
	if err != nil {
		t.Fatal(err)
	}
	for i := range blob {
		bad := bytes.Clone(blob)
		bad[i] ^= 0xff
		if err := os.WriteFile(blobPath(s, k), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		damagedMiss(t, s, k) // and puts it anew
		if t.Failed() {
			t.Fatal("byte", i)
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	k := key(1)
	put(t, s, k, "a small value")
	for i := range headerSize + len("anew") { // which is what damagedMiss puts
		if err := os.Truncate(blobPath(s, k), int64(i)); err != nil {
			t.Fatal(err)
		}
		damagedMiss(t, s, k)
		if t.Failed() {
			t.Fatalf("at %d", i)
		}
	}
}

func TestForeignContentIsFound(t *testing.T) {
	k := key(1)
	cases := map[string]func(path string, blob []byte) error{
		"longer": func(path string, blob []byte) error { return os.WriteFile(path, append(blob, 0), 0o600) },
		"text": func(path string, _ []byte) error {
			return os.WriteFile(path, []byte(strings.Repeat("hello ", 99)), 0o600)
		},
		"other key": otherKey,
		"huge": func(path string, blob []byte) error {
			return errors.Join(os.WriteFile(path, blob, 0o600), os.Truncate(path, 1<<40))
		},
		"directory": func(path string, _ []byte) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) { eachEnd(t, k, damage) })
	}
}

// otherKey writes a good blob in the place of another one.
func otherKey(path string, _ []byte) error {
	h, err := parseKey(key(2))
	if err != nil {
		return err
	}
	e := cache.Entry{Value: []byte("of another key")}
	return os.WriteFile(path, append(encodeHeader(h, e), e.Value...), 0o600)
}

// FuzzDecode looks for files that are taken for an entry but are not as that
// entry would be written.
func FuzzDecode(f *testing.F) {
	h, err := parseKey(key(1))
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range []string{"", "a value"} {
		e := cache.Entry{Value: []byte(value)}
		f.Add(append(encodeHeader(h, e), e.Value...))
		e.TraceID, e.SpanID = [16]byte{1}, [8]byte{2}
		f.Add(append(encodeHeader(h, e), e.Value...))
	}
	f.Add([]byte(magic))
	f.Add([]byte(magicSpan))
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := decodeBlob(h, file)
		if err == nil && !bytes.Equal(append(encodeHeader(h, e), e.Value...), file) {
			t.Errorf("%q is taken for %+v", file, e)
		}
	})
}

// Whatever happens to the index file, all entries are there afterwards.
func TestDamagedIndexIsRebuilt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	flipped := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return b
	}
	cases := map[string]func(index []byte) (newIndex, newSum []byte){
		"random":      func(b []byte) ([]byte, []byte) { return random(len(b)), nil },
		"short":       func([]byte) ([]byte, []byte) { return random(100), nil },
		"empty":       func([]byte) ([]byte, []byte) { return []byte{}, nil },
		"half":        func(b []byte) ([]byte, []byte) { return b[:len(b)/2], nil },
		"random tail": func(b []byte) ([]byte, []byte) { return append(b[:8192:8192], random(len(b)-8192)...), nil },
		"one bit":     func(b []byte) ([]byte, []byte) { return flipped(b), nil },
		"one bit 2":   func(b []byte) ([]byte, []byte) { return flipped(b), nil },
		"sum":         func(b []byte) ([]byte, []byte) { return b, random(65) },
		"no sum":      func(b []byte) ([]byte, []byte) { return b, []byte{} },
	}
	s := openAt(t, t.TempDir(), Config{})
	fill(t, s)
	closeStore(t, s)
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			path, sumPath := filepath.Join(s.dir, indexName), filepath.Join(s.dir, sumName)
			index, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad, sum := damage(index)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if sum != nil {
				if err := os.WriteFile(sumPath, sum, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := openAt(t, s.dir, Config{})
			wantFilled(t, s)
			s = reopen(t, s, func(s *Store) { closeStore(t, s) })
			wantFilled(t, s)
			closeStore(t, s)
		})
	}
}

const filled = 300

// fill puts so many entries that the index has more than one page.
func fill(t *testing.T, s *Store) {
	t.Helper()
	for i := range filled {
		put(t, s, key(i), key(i))
	}
}

func wantFilled(t *testing.T, s *Store) {
	t.Helper()
	if st := s.Stats(); st.Entries != filled || st.Bytes != filled*4096 || st.Corrupt != 0 {
		t.Errorf("%+v", st)
	}
	for i := range filled {
		want(t, s, key(i), key(i))
	}
}

// An index with a right sum may still be one that bbolt cannot read: then it is
// made anew, even where bbolt panics.
func TestUnreadableIndexWithARightSum(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := openAt(t, t.TempDir(), Config{})
	fill(t, s)
	closeStore(t, s)
	path := filepath.Join(s.dir, indexName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		index := bytes.Clone(good)
		if i%2 == 0 {
			index = index[:4096*(2+r.IntN(2))]
		} else {
			for j := 2 * 4096; j < len(index); j++ { // the meta pages are good
				index[j] = byte(r.Uint32())
			}
		}
		if err := os.WriteFile(path, index, 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := (&indexFile{root: openRoot(t, s.dir)}).sum()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, sumName), []byte(sum), 0o600); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, s.dir, Config{})
		wantFilled(t, s)
		closeStore(t, s)
		if t.Failed() {
			t.Fatal("round", i)
		}
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// A good index is not made anew: a blob that nobody has looked at is known.
func TestGoodIndexIsUsed(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "value")
	closeStore(t, s)
	if err := os.Remove(blobPath(s, key(1))); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, s.dir, Config{})
	if st := s.Stats(); st.Entries != 1 {
		t.Errorf("%+v", st)
	}
	wantMiss(t, s, key(1))
	if st := s.Stats(); st.Entries != 0 || st.Corrupt != 0 {
		t.Errorf("%+v", st)
	}
}

// The index file is written in parts, and says the same in the end.
func TestIndexIsWrittenInParts(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{MaxBytes: 50 * 4096})
	for i := range 200 {
		put(t, s, key(i), "value")
		if i%7 == 0 {
			s.save(1)
		}
	}
	s = reopen(t, s, func(s *Store) { closeStore(t, s) })
	if st := s.Stats(); st.Entries != 50 {
		t.Errorf("%+v", st)
	}
	for i := range 200 {
		if i < 150 {
			wantMiss(t, s, key(i))
		} else {
			want(t, s, key(i), "value")
		}
	}
}

// When the index file fails, the store goes on without it.
func TestStoreOutlivesItsIndexFile(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "one")
	if err := s.file.db.Close(); err != nil { // every later write fails
		t.Fatal(err)
	}
	s.save(1)
	put(t, s, key(2), "two")
	s = reopen(t, s, func(s *Store) { closeStore(t, s) })
	want(t, s, key(1), "one")
	want(t, s, key(2), "two")
}
