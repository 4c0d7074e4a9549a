package metrics

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/buckets"
)

// Every series has a cell for each shard. A goroutine that runs nodes uses the
// cells of one shard, mostly alone, so that atomic operations on them are cheap.
// Nothing is lost when two share one.

// cacheLine is how far cells must be apart for that.
const cacheLine = 64

// maxShards bounds the memory of a series.
const maxShards = 32

// shards returns how many there should be: a power of two.
func shards() int {
	n := 1
	for n < 2*runtime.GOMAXPROCS(0) && n < maxShards {
		n *= 2
	}
	return n
}

// spread is 2^64 divided by the golden ratio: a multiplication by it spreads
// neighbouring numbers over the upper bits (Knuth, The Art of Computer
// Programming, volume 3, section 6.4).
const spread = 0x9e3779b97f4a7c15

// chunk is the size of the chunks of 256 contexts that a worker of an engine
// allocates, as a power of two: contexts in one are of one worker.
const chunk = 14

// shardOf returns the shard for what cc's scope adds. It is the same at the
// start and at the end of a scope, so that no cell counts below zero.
func shardOf(cc *callbacks.CallbackContext, shards int) int {
	return int(address(unsafe.Pointer(cc)) >> chunk * spread >> 32 & uint64(shards-1)) //nolint:gosec // see address
}

// address returns a number for a pointer, which is never made a pointer again.
// What it is used for stays right if the number changes.
func address(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }

// number is a cell of a counter.
type number struct {
	atomic.Int64

	_ [cacheLine - 8]byte
}

// counter is a series of a counter or an up-down counter.
type counter struct {
	set   attribute.Set
	cells []atomic.Pointer[number]
	sources
}

func newCounter(set attribute.Set, shards int) *counter {
	return &counter{set: set, cells: make([]atomic.Pointer[number], shards)}
}

func (c *counter) add(shard int, n int64) { cell(&c.cells[shard]).Add(n) }

// sum returns the sum over all shards, without what is in blocks.
func (c *counter) sum() (sum int64) {
	for i := range c.cells {
		if cell := c.cells[i].Load(); cell != nil {
			sum += cell.Load()
		}
	}
	return sum
}

// distribution is a cell of a histogram. Its sum is in nanoseconds: whole numbers
// have the same sum in any order.
type distribution struct {
	sum     atomic.Int64
	flags   atomic.Uint32 // the buckets, as bits, that need no exemplar
	buckets [buckets.Count]atomic.Uint64

	_ [cacheLine - 8*(buckets.Count+2)%cacheLine]byte
}

// histogram is a series of a histogram.
type histogram struct {
	bounds *buckets.Bounds
	cells  []atomic.Pointer[distribution]
	exemplars
	set attribute.Set
	sources
}

func newHistogram(set attribute.Set, b *buckets.Bounds, shards int) *histogram {
	h := &histogram{set: set, bounds: b, cells: make([]atomic.Pointer[distribution], shards)}
	h.want()
	return h
}

// record adds one duration; a clock that ran backwards gives 0.
func (h *histogram) record(shard int, cc *callbacks.CallbackContext, d time.Duration) {
	d = max(d, 0)
	c, b := cell(&h.cells[shard]), h.bounds.Index(d)
	c.sum.Add(int64(d))
	c.buckets[b].Add(1)
	if c.flags.Load()>>b&1 == 0 {
		h.keep(&c.flags, b, cc, d, d)
	}
}

// want asks for new exemplars. Those that are there stay until a new one comes.
func (h *histogram) want() {
	h.exemplars.want()
	for i := range h.cells {
		if c := h.cells[i].Load(); c != nil {
			c.flags.Store(0)
		}
	}
}

// read returns the sum and the counts over all shards, without what is in blocks.
func (h *histogram) read() (sum time.Duration, counts []uint64) {
	counts = make([]uint64, buckets.Count)
	for i := range h.cells {
		c := h.cells[i].Load()
		if c == nil {
			continue
		}
		for b := range c.buckets {
			counts[b] += c.buckets[b].Load()
		}
		sum += time.Duration(c.sum.Load())
	}
	return sum, counts
}

// cell returns the cell at p, which it makes when there is none: most series need
// few of theirs.
func cell[C any](p *atomic.Pointer[C]) *C {
	if c := p.Load(); c != nil {
		return c
	}
	p.CompareAndSwap(nil, new(C))
	return p.Load()
}
