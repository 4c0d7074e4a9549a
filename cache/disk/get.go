package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spanloom/spanloom/cache"
)

// Get implements [cache.Store]. The key must be 64 lower-case hex digits.
func (s *Store) Get(ctx context.Context, key string) (cache.Entry, bool, error) {
	h, err := s.enter(ctx, key)
	if err != nil {
		s.misses.Add(1)
		return cache.Entry{}, false, err
	}
	defer s.leave()
	e, ok, err := s.get(h)
	if !ok {
		s.misses.Add(1)
		return cache.Entry{}, false, err
	}
	s.hits.Add(1)
	if now := s.now(); s.index.touch(h, now) {
		// For a rebuild, which may be after the next start.
		_ = s.root.Chtimes(h.path(), now, now)
		s.save(saveAt)
	}
	return e, true, nil
}

func (s *Store) get(key hash) (e cache.Entry, ok bool, err error) {
	if !s.index.has(key) {
		return cache.Entry{}, false, nil
	}
	f, info, err := openRegular(s.root, key.path())
	if errors.Is(err, fs.ErrNotExist) {
		s.forget(key)
		return e, false, nil // somebody tidied up
	}
	if err == nil {
		e, err = readBlob(key, f, info.Size(), s.config.MaxBytes)
		_ = f.Close() // the same file is removed below; elsewhere than on Unix it must be closed for that
	}
	if _, ok := errors.AsType[damage](err); ok {
		return e, false, s.removeDamaged(key, info, err)
	}
	if err != nil {
		return e, false, s.fail(key, err)
	}
	if s.tooOld(e) {
		if removed, _ := s.remove(key, info); removed {
			s.expired.Add(1)
		}
		return cache.Entry{}, false, nil
	}
	return e, true, nil
}

// readBlob reads a file, if it is not larger than the whole store may be:
// somebody else has made that.
func readBlob(key hash, f io.Reader, size, limit int64) (cache.Entry, error) {
	if size > limit {
		return cache.Entry{}, damage("it is larger than the store")
	}
	file := make([]byte, size)
	n, err := io.ReadFull(f, file)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return cache.Entry{}, err
	}
	return decodeBlob(key, file[:n])
}

func (s *Store) removeDamaged(key hash, info fs.FileInfo, why error) error {
	removed, err := s.remove(key, info)
	switch {
	case err != nil:
		return s.fail(key, fmt.Errorf("%w, and it cannot be removed: %w", why, err))
	case !removed:
		return nil // another call has done it, or put a good one there
	default:
		s.corrupt.Add(1)
		return s.fail(key, fmt.Errorf("%w: %w", cache.ErrCorrupt, why))
	}
}

// remove removes the key's blob if it is still the file that was looked at, or
// nothing that can be opened, and reports whether it did.
func (s *Store) remove(key hash, looked fs.FileInfo) (bool, error) {
	lock := s.blobLock(key)
	lock.Lock()
	defer lock.Unlock()
	info, err := s.root.Lstat(key.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.index.drop(key), nil
	case err != nil:
		return false, err
	case info.Mode().IsRegular() && (looked == nil || !os.SameFile(info, looked)):
		return false, nil
	}
	s.index.drop(key)
	return true, s.root.Remove(key.path())
}

// forget drops the key's place in the index if its blob is not there.
func (s *Store) forget(key hash) {
	lock := s.blobLock(key)
	lock.Lock()
	defer lock.Unlock()
	if _, err := s.root.Lstat(key.path()); errors.Is(err, fs.ErrNotExist) {
		s.index.drop(key)
	}
}

func (s *Store) tooOld(e cache.Entry) bool {
	return s.config.MaxAge > 0 && s.now().Sub(e.Created) > s.config.MaxAge
}
