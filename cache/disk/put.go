package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/spanloom/spanloom/cache"
)

// Put implements [cache.Store]. The key must be 64 lower-case hex digits. It
// fails when the disk is full, and when the entry alone is larger than the
// store may be.
func (s *Store) Put(ctx context.Context, key string, e cache.Entry) error {
	h, err := s.enter(ctx, key)
	if err != nil {
		return err
	}
	defer s.leave()
	if err := s.put(h, e); err != nil {
		return s.fail(h, err)
	}
	s.shrink()
	s.save(saveAt)
	return nil
}

func (s *Store) put(key hash, e cache.Entry) error {
	size := diskSize(sizeOf(e))
	if size > s.config.MaxBytes {
		s.unlink(key, true) // it is out of date
		return fmt.Errorf("a result of %d bytes is larger than MaxBytes, %d: raise the limit or do not cache this node", len(e.Value), s.config.MaxBytes)
	}
	temp, err := s.writeTemp(key, e)
	if err != nil {
		return err
	}
	lock := s.blobLock(key)
	lock.Lock()
	defer lock.Unlock()
	err = s.root.Rename(temp, key.path())
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.root.Mkdir(key.shard(), 0o700); err == nil || errors.Is(err, fs.ErrExist) {
			err = s.root.Rename(temp, key.path())
		}
	}
	if err != nil {
		_ = s.root.Remove(temp)
		return err
	}
	s.index.put(key, record{size: size, created: nanos(e.Created), used: nanos(s.now())})
	return nil
}

// writeTemp writes a blob that is not in its place yet, and returns where it is.
func (s *Store) writeTemp(key hash, e cache.Entry) (name string, err error) {
	f, name, err := s.createTemp()
	if err != nil {
		return "", err
	}
	// A small blob takes one call of the system, and a large one is not copied.
	b, rest := encodeHeader(key, e), e.Value
	if len(rest) <= 64<<10 {
		b, rest = append(b, rest...), nil
	}
	if _, err = f.Write(b); err == nil && len(rest) > 0 {
		_, err = f.Write(rest)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = s.root.Remove(name)
		return "", err
	}
	return name, nil
}

func (s *Store) createTemp() (f *os.File, name string, err error) {
	for range 10 {
		name = path.Join(tempName, fmt.Sprint(s.temps.Add(1)))
		f, err = s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case err == nil:
			return f, name, nil
		case errors.Is(err, fs.ErrNotExist): // somebody tidied up
			if err := s.root.Mkdir(tempName, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, "", err
			}
		case !errors.Is(err, fs.ErrExist):
			return nil, "", err
		}
	}
	return nil, "", err
}

// shrink removes what is above the size limit.
func (s *Store) shrink() {
	for _, key := range s.index.shrink(s.config.MaxBytes) {
		s.unlink(key, false)
		s.evicted.Add(1)
	}
}

// expireOld removes what is above the age limit, and may never be asked for.
func (s *Store) expireOld() {
	if s.config.MaxAge == 0 {
		return
	}
	for _, key := range s.index.olderThan(s.now().Add(-s.config.MaxAge)) {
		s.unlink(key, false)
		s.expired.Add(1)
	}
}

// unlink removes the key's blob, if it is not in the index or else need not be:
// another call may have put it anew.
func (s *Store) unlink(key hash, indexed bool) {
	lock := s.blobLock(key)
	lock.Lock()
	defer lock.Unlock()
	if indexed {
		s.index.drop(key)
	} else if s.index.has(key) {
		return
	}
	_ = s.root.Remove(key.path())
}
