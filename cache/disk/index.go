package disk

import (
	"container/list"
	"sync"
	"time"
)

// usedGrain is how exactly the last use of an entry outlives the process. It
// keeps hits from becoming writes.
const usedGrain = 10 * time.Minute

// record is what the index knows of a blob.
type record struct {
	size    int64 // on disk
	created int64 // in nanoseconds since 1970
	used    int64 // as created; to usedGrain
}

// index knows all blobs, in the order of their last use, and which of them the
// index file does not know as they are.
type index struct {
	mu      sync.Mutex
	byKey   map[hash]*list.Element
	byUse   list.List // of *node, the last used first
	bytes   int64
	changed map[hash]struct{}
}

type node struct {
	key hash
	record
}

func newIndex() *index {
	return &index{byKey: map[hash]*list.Element{}, changed: map[hash]struct{}{}}
}

func (x *index) has(key hash) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byKey[key] != nil
}

// put adds a blob as the last used, in the place of an older one of its key.
func (x *index) put(key hash, r record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(key)
	x.add(key, r)
	x.changed[key] = struct{}{}
}

// add is put for a key that is not there, and already in the file. The caller
// holds the lock, or has the index for itself.
func (x *index) add(key hash, r record) {
	x.byKey[key] = x.byUse.PushFront(&node{key, r})
	x.bytes += r.size
}

// touch makes a blob the last used. It reports whether that is worth writing
// down.
func (x *index) touch(key hash, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.byKey[key]
	if e == nil {
		return false // removed meanwhile
	}
	x.byUse.MoveToFront(e)
	n := e.Value.(*node) //nolint:forcetypeassert // the list has no others
	if nanos(now)-n.used < int64(usedGrain) {
		return false
	}
	n.used = nanos(now)
	x.changed[key] = struct{}{}
	return true
}

// drop removes a blob, and reports whether it was there.
func (x *index) drop(key hash) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.remove(key)
}

func (x *index) remove(key hash) bool {
	e := x.byKey[key]
	if e == nil {
		return false
	}
	delete(x.byKey, key)
	n := x.byUse.Remove(e).(*node) //nolint:forcetypeassert // the list has no others
	x.bytes -= n.size
	x.changed[key] = struct{}{}
	return true
}

// shrink removes the blobs that were used least recently until the rest takes
// no more than limit, and returns them.
func (x *index) shrink(limit int64) (victims []hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.bytes > limit {
		key := x.byUse.Back().Value.(*node).key //nolint:forcetypeassert // the list has no others
		x.remove(key)
		victims = append(victims, key)
	}
	return victims
}

// olderThan removes the blobs that were created before t and returns them.
func (x *index) olderThan(t time.Time) (victims []hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, e := range x.byKey {
		if e.Value.(*node).created < nanos(t) { //nolint:forcetypeassert // the list has no others
			victims = append(victims, key)
		}
	}
	for _, key := range victims {
		x.remove(key)
	}
	return victims
}

// total returns how many blobs there are, what they take, and how many of them
// are to be written down.
func (x *index) total() (entries int, bytes int64, changed int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.byKey), x.bytes, len(x.changed)
}

// change is what the index file is to say of a blob: nothing when it is gone.
type change struct {
	key  hash
	gone bool
	record
}

// takeChanges returns what is to be written down, once.
func (x *index) takeChanges() []change {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := make([]change, 0, len(x.changed))
	for key := range x.changed {
		if e := x.byKey[key]; e != nil {
			list = append(list, change{key: key, record: e.Value.(*node).record}) //nolint:forcetypeassert // the list has no others
		} else {
			list = append(list, change{key: key, gone: true})
		}
	}
	clear(x.changed)
	return list
}
