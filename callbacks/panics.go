package callbacks

import (
	"maps"
	"sync"
)

// maxPanicNames bounds the names that [Panics] has: a type may be made while a
// program runs.
const maxPanicNames = 100

// otherPanics is the name of those beyond.
const otherPanics = "other"

var panics struct {
	mu sync.Mutex
	m  map[string]uint64
}

// Panics returns how often callbacks have panicked in this program so far, by their
// Go types: in hooks, and when they were asked something. All were recovered. The
// map is the caller's.
func Panics() map[string]uint64 {
	panics.mu.Lock()
	defer panics.mu.Unlock()
	return maps.Clone(panics.m)
}

func countPanic(name string) {
	panics.mu.Lock()
	defer panics.mu.Unlock()
	if panics.m == nil {
		panics.m = map[string]uint64{}
	}
	if _, known := panics.m[name]; !known && len(panics.m) >= maxPanicNames {
		name = otherPanics
	}
	panics.m[name]++
}
