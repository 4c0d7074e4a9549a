package disk

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// The index file is the index for the next process. It is written without
// waiting for the disk, and bbolt trusts what it reads: damage makes it panic or
// run in circles. So a sum of it is written beside it at Close and taken away at
// Open, and without the right sum nobody looks into the file.
const (
	indexName = "index.db"
	sumName   = "index.sum"
)

// bucket changes its name with what is in it.
var bucket = []byte("blobs 1")

// indexFile is the index on disk. When writing fails it is given up, and the
// next Open makes another: a cache does not fail because of its index.
type indexFile struct {
	root *os.Root
	db   *bbolt.DB // nil when it was given up
}

// openIndexFile opens the index file and fills an index with it. It reports
// whether it could: otherwise the file is new, and the index is empty. An error
// says that another process has it.
func openIndexFile(root *os.Root, x *index) (f *indexFile, loaded bool, err error) {
	f = &indexFile{root: root}
	good := f.sumIsRight()
	if err := root.Remove(sumName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		// It would be there still when the file has changed.
		return nil, false, err
	}
	if good {
		if err = f.open(); err == nil {
			if err = guarded(func() error { return f.load(x) }); err == nil {
				return f, true, nil
			}
			f.giveUp()
		}
		if errors.Is(err, bbolterrors.ErrTimeout) {
			return nil, false, err
		}
	}
	_ = root.Remove(indexName)
	if err := f.open(); errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, false, err
	}
	return f, false, nil
}

func (f *indexFile) open() error {
	return guarded(func() (err error) {
		f.db, err = bbolt.Open(indexName, 0o600, &bbolt.Options{
			Timeout: lockTimeout, NoSync: true, NoGrowSync: true, NoStatistics: true,
			FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
				return f.root.OpenFile(name, flag, perm)
			},
		})
		if err != nil {
			f.db = nil
		}
		return err
	})
}

// load fills an empty index.
func (f *indexFile) load(x *index) error {
	var nodes []node
	err := f.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return errors.New("the index is of another version")
		}
		return b.ForEach(func(k, v []byte) error {
			n := node{}
			if len(k) != len(n.key) || len(v) != 24 {
				return errors.New("the index is damaged")
			}
			copy(n.key[:], k)
			n.size = int64(binary.BigEndian.Uint64(v))
			n.created = int64(binary.BigEndian.Uint64(v[8:]))
			n.used = int64(binary.BigEndian.Uint64(v[16:]))
			nodes = append(nodes, n)
			return nil
		})
	})
	if err != nil {
		return err
	}
	addByUse(x, nodes)
	return nil
}

// addByUse fills an empty index.
func addByUse(x *index, nodes []node) {
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.used, b.used) })
	for _, n := range nodes {
		x.add(n.key, n.record)
	}
}

// save writes changes down.
func (f *indexFile) save(changes []change) {
	if f.db == nil || len(changes) == 0 {
		return
	}
	// In the order of keys, each page is written once.
	slices.SortFunc(changes, func(a, b change) int { return bytes.Compare(a.key[:], b.key[:]) })
	err := guarded(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucket)
			if err != nil {
				return err
			}
			for _, c := range changes {
				if err := saveOne(b, c); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		f.giveUp()
	}
}

func saveOne(b *bbolt.Bucket, c change) error {
	if c.gone {
		return b.Delete(c.key[:])
	}
	v := make([]byte, 0, 24)
	v = binary.BigEndian.AppendUint64(v, uint64(c.size))
	v = binary.BigEndian.AppendUint64(v, uint64(c.created))
	v = binary.BigEndian.AppendUint64(v, uint64(c.used))
	return b.Put(c.key[:], v)
}

// giveUp leaves the file without a sum.
func (f *indexFile) giveUp() {
	db := f.db
	f.db = nil
	if db == nil {
		return
	}
	// After a panic a transaction may be open for good, and Close would wait
	// for it. It may wait where nobody does.
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = guarded(db.Close)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// close leaves the file with its sum, if it is as it should be.
func (f *indexFile) close() {
	if f.db == nil {
		return
	}
	err := guarded(f.db.Close)
	f.db = nil
	if err != nil {
		return
	}
	sum, err := f.sum()
	if err != nil {
		return
	}
	w, err := f.root.OpenFile(sumName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	_, _ = w.WriteString(sum) // half a sum is a wrong one
	_ = w.Close()
}

func (f *indexFile) sumIsRight() bool {
	file, _, err := openRegular(f.root, sumName)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	want, err := io.ReadAll(io.LimitReader(file, 1024))
	if err != nil {
		return false
	}
	got, err := f.sum()
	return err == nil && got == string(want)
}

func (f *indexFile) sum() (string, error) {
	file, _, err := openRegular(f.root, indexName)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)) + "\n", nil
}

// guarded returns a panic of f as an error, also that of a mapped file which
// somebody has made shorter.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the index file: %v", r)
		}
	}()
	return f()
}
