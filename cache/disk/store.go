package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/spanloom/spanloom/cache"
)

// saveAt is how many changes of the index are written down at once.
const saveAt = 8192

// Store is a [cache.Store] on disk.
type Store struct {
	config Config
	dir    string
	now    func() time.Time // tests have another
	root   *os.Root
	lock   *os.File
	index  *index

	open   sync.RWMutex // held for reading by every call, for writing by Close
	closed bool
	saving sync.Mutex // for file
	file   *indexFile

	// The blob of a key is put in place and removed under the key's lock,
	// together with its place in the index.
	blobs [64]sync.Mutex

	temps                                   atomic.Uint64
	hits, misses, corrupt, evicted, expired atomic.Int64
}

var (
	_ cache.Store  = (*Store)(nil)
	_ cache.Tiered = (*Store)(nil)
)

// Tier implements [cache.Tiered]: it returns "disk".
func (*Store) Tier() string { return "disk" }

// Open opens the store in a directory, which it makes if there is none. An
// error says what is wrong with the directory or the config, or after a second
// that another process has the directory open.
func Open(dir string, c Config) (*Store, error) {
	return open(dir, c, time.Now)
}

func open(dir string, c Config, now func() time.Time) (*Store, error) {
	if dir == "" {
		return nil, errors.New("disk cache: no directory is named")
	}
	abs, err := filepath.Abs(dir) // the working directory may change, and errors should say it all
	if err != nil {
		return nil, fmt.Errorf("disk cache: directory %s: %w", dir, err)
	}
	s, err := openStore(abs, c, now)
	if err != nil {
		return nil, fmt.Errorf("disk cache: directory %s: %w", abs, err)
	}
	return s, nil
}

func openStore(dir string, c Config, now func() time.Time) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{config: c, dir: dir, now: now, index: newIndex()}
	if s.root, err = openDir(dir); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		if s.lock != nil {
			_ = s.lock.Close()
		}
		_ = s.root.Close()
		return nil, err
	}
	return s, nil
}

// load takes the directory for this process and learns what is in it.
func (s *Store) load() (err error) {
	if s.lock, err = lockDir(s.root); err != nil {
		return err
	}
	if err := sweepTemps(s.root); err != nil {
		return err
	}
	var loaded bool
	s.file, loaded, err = openIndexFile(s.root, s.index)
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return errInUse
	}
	if err != nil {
		return err
	}
	if !loaded {
		damaged, err := rebuild(s.root, s.index)
		if err != nil {
			s.file.giveUp()
			return err
		}
		s.corrupt.Add(damaged)
	}
	s.expireOld()
	s.shrink()
	s.save(1)
	return nil
}

// Close ends the use of the store. Calls that are under way are waited for, and
// later ones fail. A second Close does nothing.
//
// Without Close nothing is lost, but the next Open takes longer.
func (s *Store) Close() error {
	s.open.Lock()
	defer s.open.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.save(1)
	s.file.close()
	return errors.Join(s.lock.Close(), s.root.Close())
}

// Stats returns what the store has done and what it holds.
func (s *Store) Stats() cache.Stats {
	entries, bytes, _ := s.index.total()
	return cache.Stats{
		Hits: s.hits.Load(), Misses: s.misses.Load(), Corrupt: s.corrupt.Load(),
		Evicted: s.evicted.Load(), Expired: s.expired.Load(), Entries: entries, Bytes: bytes,
	}
}

// enter begins a call. The caller must leave unless there is an error.
func (s *Store) enter(ctx context.Context, key string) (hash, error) {
	if err := ctx.Err(); err != nil {
		return hash{}, err
	}
	h, err := parseKey(key)
	if err != nil {
		return h, fmt.Errorf("disk cache: %w", err)
	}
	s.open.RLock()
	if s.closed {
		s.open.RUnlock()
		return h, fmt.Errorf("disk cache: directory %s: %w", s.dir, os.ErrClosed)
	}
	return h, nil
}

func (s *Store) leave() { s.open.RUnlock() }

// save writes down what has changed in the index, if that is at least so much.
func (s *Store) save(least int) {
	if _, _, n := s.index.total(); n < least || !s.saving.TryLock() {
		return // or another call does it
	}
	defer s.saving.Unlock()
	s.file.save(s.index.takeChanges())
}

// fail names the blob that an error is about.
func (s *Store) fail(key hash, err error) error {
	return fmt.Errorf("disk cache: %s: %w", filepath.Join(s.dir, filepath.FromSlash(key.path())), err)
}

func (s *Store) blobLock(key hash) *sync.Mutex {
	return &s.blobs[int(key[0])%len(s.blobs)]
}
