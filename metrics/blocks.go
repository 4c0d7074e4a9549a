package metrics

import (
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/internal/buckets"
)

// block is all that a node which succeeds without a cache touches in one shard: one
// cache line, and three atomic operations from its start to its end. It has a part of
// three series: of the active nodes, of the waits and of the durations.
//
// Two words hold two numbers each, so that one addition changes both, and both are
// read at one moment. Before the lower number has no room, it is moved.
type block struct {
	// begun counts starts after a wait in the first bucket, and above them the active
	// nodes.
	begun atomic.Int64
	// brief adds up durations in the first bucket, and above them counts these.
	brief atomic.Uint64
	// sum and short, which are the next buckets, are of all other durations.
	sum   atomic.Int64
	short [shortBuckets]atomic.Uint64
	long  atomic.Pointer[longBuckets] // those after, once one is needed
	queue atomic.Pointer[distribution]
	// flags are the buckets of durations, as bits, that need no exemplar, met and shown.
	flags atomic.Uint32
}

const (
	upper = 40         // where the upper number of a word begins
	one   = 1 << upper // one in it
	lower = one - 1

	// fullBegun and fullBrief are bits of words that are to be moved: what would be
	// lost is as far away again, and who finds one of the bits moves first.
	fullBegun = 1 << (upper - 1)
	fullBrief = 1<<(upper-1) | 1<<63

	shortBuckets = 2

	// met says that the place has its series of active nodes, and shown that it has
	// that of nodes that succeed.
	met   = 1 << buckets.Count
	shown = met << 1
)

type longBuckets [buckets.Count - shortBuckets]atomic.Uint64

// active returns the number of active nodes.
func (b *block) active() int64 { return b.begun.Load() >> upper }

// waited returns the starts after a wait in the first bucket.
func (b *block) waited() uint64 { return uint64(b.begun.Load() & lower) }

// count adds a duration that does not fall into the first bucket.
func (b *block) count(bucket int, d time.Duration) {
	b.sum.Add(int64(d))
	if bucket < shortBuckets {
		b.short[bucket].Add(1)
		return
	}
	cell(&b.long)[bucket-shortBuckets].Add(1)
}

// read adds the durations to a sum and to counts.
func (b *block) read(sum *time.Duration, counts []uint64) {
	brief := b.brief.Load()
	counts[0] += brief >> upper
	*sum += time.Duration(brief&lower) + time.Duration(b.sum.Load())
	for i := range b.short {
		counts[i] += b.short[i].Load()
	}
	if long := b.long.Load(); long != nil {
		for i := range long {
			counts[shortBuckets+i] += long[i].Load()
		}
	}
}

// want asks for new exemplars.
func (b *block) want() { b.flags.And(met | shown) }

// settle moves what fills the words to where there is more room. While it does,
// nobody may read.
func (b *block) settle() {
	if b.begun.Load()&fullBegun != 0 {
		b.begun.Add(-fullBegun)
		b.queue.Load().buckets[0].Add(fullBegun)
	}
	if brief := b.brief.Load(); brief&fullBrief != 0 {
		b.brief.Add(-brief)
		b.short[0].Add(brief >> upper)
		b.sum.Add(int64(brief & lower))
	}
}

// blocks are the blocks of all places and shards. Those of a shard lie in the order in
// which the places were first seen: mostly that in which they come next time, so that
// what comes next is in a cache already.
type blocks []shard

type shard [(maxSeries + pageSize - 1) / pageSize]atomic.Pointer[page]

// page is of 512 bytes: the allocator puts a header before what is larger and has
// pointers, after which blocks would be on two cache lines each.
type page [pageSize]block

const pageSize = 8

// at returns the block of a place.
func (b blocks) at(shard int, place uint32) *block {
	p := &b[shard][place/pageSize]
	if p := p.Load(); p != nil {
		return &p[place%pageSize]
	}
	return &cell(p)[place%pageSize]
}

// each calls f with the blocks of places.
func (b blocks) each(places []uint32, f func(*block)) {
	for i := range b {
		for _, place := range places {
			if p := b[i][place/pageSize].Load(); p != nil {
				f(&p[place%pageSize])
			}
		}
	}
}
