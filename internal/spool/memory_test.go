package spool

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

var errCrashed = errors.New("the machine has crashed")

// memory is a file system of which one call can fail, and which can lose its power.
// It keeps apart what the process sees and what the disk has: a write is on the disk
// after a sync of the file, a name after one of the directory. Of what was not synced
// a crash leaves any part, in sectors.
type memory struct {
	mu    sync.Mutex
	root  *node
	calls []string // the kind of each call so far
	at    int      // the call that fault hits; -1 for none
	fault fault
	crash int // the call at which the power fails; -1 for none
	dead  bool
	rng   *rand.Rand
}

// fault is what happens to one call.
type fault struct {
	name  string
	err   error
	read  error // of calls that read; too many open files if nil
	short bool  // half of a write is written
	lasts int   // how many calls of the kinds that the fault is for
}

type node struct {
	dir     bool
	data    []byte // as the process sees it
	kept    []byte // as the disk has it
	dirty   []change
	entries map[string]*node
	keptIn  map[string]*node
	renewed []entry
	locked  bool
	written time.Time
}

// change is a write, or a truncation if data is nil.
type change struct {
	at   int64
	data []byte
}

// entry is a name that was made, or removed if node is nil.
type entry struct {
	name string
	node *node
}

func newDir() *node {
	return &node{dir: true, entries: map[string]*node{}, keptIn: map[string]*node{}}
}

func newMemory() *memory {
	return &memory{root: newDir(), at: -1, crash: -1, rng: rand.New(rand.NewPCG(1, 2))}
}

// call counts a call and says whether it fails. After its power is gone all do; at
// that very call it is done as far as the process sees.
func (m *memory) call(kind string) (last bool, err error) {
	if m.dead {
		return false, errCrashed
	}
	n := len(m.calls)
	m.calls = append(m.calls, kind)
	if n == m.crash {
		m.dead = true
		return true, nil
	}
	reads := slices.Contains([]string{"open", "list", "read"}, kind)
	if m.at >= 0 && n >= m.at && n < m.at+max(m.fault.lasts, 1) {
		if reads && m.fault.read == nil { // a disk that cannot be read is damage, and another test's
			return false, syscall.EMFILE
		}
		if reads {
			return false, m.fault.read
		}
		return false, m.fault.err
	}
	return false, nil
}

// done is the result of a call that was done.
func done(last bool) error {
	if last {
		return errCrashed
	}
	return nil
}

func (m *memory) find(name string) *node {
	n := m.root
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if part != "." && n != nil {
			n = n.entries[part]
		}
	}
	return n
}

func (m *memory) link(name string, n *node) {
	dir, base := m.find(path.Dir(name)), path.Base(name)
	if n == nil {
		delete(dir.entries, base)
	} else {
		dir.entries[base] = n
	}
	dir.renewed = append(dir.renewed, entry{base, n})
}

func (m *memory) make(kind, name string, n *node) error {
	last, err := m.call(kind)
	if err != nil {
		return err
	}
	if m.find(path.Dir(name)) == nil {
		return fs.ErrNotExist
	}
	if m.find(name) != nil {
		return fs.ErrExist
	}
	m.link(name, n)
	return done(last)
}

func (m *memory) mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.make("mkdir", name, newDir())
}

func (m *memory) create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &node{written: time.Now()}
	if err := m.make("create", name, n); err != nil {
		return nil, err
	}
	return &memoryFile{m, n}, nil
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.call("open"); err != nil {
		return nil, err
	}
	n := m.find(name)
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return &memoryFile{m, n}, nil
}

func (m *memory) list(name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.call("list"); err != nil {
		return nil, err
	}
	var names []string
	for name, n := range m.find(name).entries {
		if n.dir {
			name += "/"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, err := m.call("remove")
	if err != nil {
		return err
	}
	n := m.find(name)
	if n == nil {
		return fs.ErrNotExist
	}
	if len(n.entries) > 0 {
		return syscall.ENOTEMPTY
	}
	m.link(name, nil)
	return done(last)
}

func (m *memory) syncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, err := m.call("syncDir")
	dir := m.find(name)
	if err != nil || last {
		if err != nil && !m.dead { // what failed is not tried again
			dir.renewed = nil
		}
		return errors.Join(err, done(last))
	}
	for _, e := range dir.renewed {
		dir.keep(e)
	}
	dir.renewed = nil
	return nil
}

func (m *memory) lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(name)
	if n == nil {
		n = &node{}
		if err := m.make("lock", name, n); err != nil {
			return nil, err
		}
	}
	if n.locked {
		return nil, errLocked
	}
	n.locked = true
	return memoryLock{m, n}, nil
}

func (m *memory) close() error { return nil }

type memoryLock struct {
	m *memory
	n *node
}

func (l memoryLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.n.locked = false
	return nil
}

type memoryFile struct {
	m *memory
	n *node
}

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if _, err := f.m.call("read"); err != nil {
		return 0, err
	}
	if at >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	last, err := f.m.call("write")
	n := len(p)
	if err != nil {
		n = 0
		if f.m.fault.short {
			n = len(p) / 2
		}
	}
	if n > 0 {
		c := change{at, slices.Clone(p[:n])}
		f.n.data = c.apply(f.n.data)
		f.n.dirty = append(f.n.dirty, c)
	}
	return n, errors.Join(err, done(last))
}

func (f *memoryFile) truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	last, err := f.m.call("truncate")
	if err != nil {
		return err
	}
	c := change{at: size}
	f.n.data = c.apply(f.n.data)
	f.n.dirty = append(f.n.dirty, c)
	return done(last)
}

func (f *memoryFile) sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	last, err := f.m.call("sync")
	switch {
	case err == nil && !last:
		for _, c := range f.n.dirty {
			f.n.kept = c.apply(f.n.kept)
		}
		f.n.dirty = nil
	case err != nil && !f.m.dead: // some of it is on the disk, and the rest is never tried again
		f.n.kept = f.m.some(f.n.kept, f.n.dirty)
		f.n.dirty = nil
	}
	return errors.Join(err, done(last))
}

func (f *memoryFile) info() (int64, time.Time, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), f.n.written, nil
}

func (c change) apply(data []byte) []byte {
	data = slices.Clone(data)
	end := c.at + int64(len(c.data))
	if c.data == nil && end < int64(len(data)) {
		return data[:end]
	}
	if grow := end - int64(len(data)); grow > 0 {
		data = append(data, make([]byte, grow)...)
	}
	copy(data[c.at:], c.data)
	return data
}

func (n *node) keep(e entry) {
	if e.node == nil {
		delete(n.keptIn, e.name)
	} else {
		n.keptIn[e.name] = e.node
	}
}

// some applies any of the sectors that changes touch.
func (m *memory) some(data []byte, changes []change) []byte {
	const sector = 64 // small, since the segments are
	for _, c := range changes {
		if c.data == nil {
			if m.rng.IntN(2) == 0 {
				data = c.apply(data)
			}
			continue
		}
		for at := c.at; at < c.at+int64(len(c.data)); {
			next := min(at/sector*sector+sector, c.at+int64(len(c.data)))
			if m.rng.IntN(2) == 0 {
				data = change{at, c.data[at-c.at : next-c.at]}.apply(data)
			}
			at = next
		}
	}
	return data
}

// What a crash leaves of what was not synced.
const (
	leaveNone = iota
	leaveAll  // as when a process dies and the machine goes on
	leaveSome // any part; each seed is another
)

// after returns the file system as it is after a crash.
func (m *memory) after(leave int, seed uint64) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemory()
	m.rng = rand.New(rand.NewPCG(seed, 3))
	n.root = m.left(m.root, leave)
	return n
}

func (m *memory) left(n *node, leave int) *node {
	if !n.dir {
		data := n.kept
		switch leave {
		case leaveAll:
			data = n.data
		case leaveSome:
			data = m.some(data, n.dirty)
		}
		return &node{data: data, kept: data, written: n.written}
	}
	entries := n.keptIn
	switch leave {
	case leaveAll:
		entries = n.entries
	case leaveSome:
		some := &node{keptIn: maps.Clone(n.keptIn)}
		for _, e := range n.renewed {
			if m.rng.IntN(2) == 0 {
				some.keep(e)
			}
		}
		entries = some.keptIn
	}
	dir := newDir()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		dir.entries[name] = m.left(entries[name], leave)
	}
	dir.keptIn = maps.Clone(dir.entries)
	return dir
}

// kill lets go of all locks, as the end of a process does.
func (m *memory) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var walk func(n *node)
	walk = func(n *node) {
		n.locked = false
		for _, e := range n.entries {
			walk(e)
		}
	}
	walk(m.root)
}
