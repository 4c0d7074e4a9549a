// Package buckets has the buckets of the durations of steps and calls, for those
// who count and those who export.
package buckets

import "time"

// Count is the number of buckets: one more than bounds.
const Count = 16

// Bounds are upper, inclusive bounds.
type Bounds [Count - 1]time.Duration

const ms = time.Millisecond

// Steps are the bounds for nodes, items and calls of backends.
var Steps = Bounds{
	1 * ms, 5 * ms, 10 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms,
	1000 * ms, 2500 * ms, 5000 * ms, 10_000 * ms, 30_000 * ms, 60_000 * ms, 300_000 * ms, 1_800_000 * ms,
}

// Index returns the index of the bucket that d falls into. Most steps are short,
// so that looking from the start finds it soonest.
func (b *Bounds) Index(d time.Duration) int {
	for i, upper := range b {
		if d <= upper {
			return i
		}
	}
	return len(b)
}
