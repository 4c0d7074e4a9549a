package metrics

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
)

// maxSeries is the most series of an instrument, the one for overflow included:
// the default of the specification of metrics (SDK, cardinality limits).
const maxSeries = 2000

// family is all series of one instrument.
type family[S any] struct {
	*instrument

	fresh func(attribute.Set) *S

	mu       sync.RWMutex
	named    map[labels]*S
	overflow *S   // not there until something is in it
	list     []*S // only ever appended to
}

func newFamily[S any](i *instrument, fresh func(attribute.Set) *S) *family[S] {
	return &family[S]{instrument: i, fresh: fresh, named: map[labels]*S{}}
}

// of returns the series of l, or the one for overflow when there are as many as
// may be. What it answers for the same labels never changes.
func (f *family[S]) of(l labels) *S {
	f.mu.RLock()
	s := f.find(l)
	f.mu.RUnlock()
	if s != nil {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(l); s != nil {
		return s
	}
	if l.overflow || f.full() {
		f.overflow = f.fresh(overflowSet)
		s = f.overflow
	} else {
		s = f.fresh(l.set(f.instrument))
		f.named[l] = s
	}
	f.list = append(f.list, s)
	return s
}

func (f *family[S]) full() bool { return len(f.named) >= maxSeries-1 }

// find returns the series of l if there is one already.
func (f *family[S]) find(l labels) *S {
	if s := f.named[l]; s != nil {
		return s
	}
	if l.overflow || f.full() {
		return f.overflow
	}
	return nil
}

// all returns the series that there are.
func (f *family[S]) all() []*S {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.list
}

// sources are the places whose blocks have a part of a series. The lock of the family
// guards them; they are only ever appended to.
type sources struct{ places []uint32 }

func (s *sources) from() *sources { return s }

// sourced is a series that blocks may have a part of.
type sourced[S any] interface {
	*S
	from() *sources
}

// join returns the series of l, of which the blocks of a place have a part from then on:
// the place knows it.
func join[S any, P sourced[S]](f *family[S], l labels, place uint32, known *atomic.Pointer[S]) *S {
	if s := known.Load(); s != nil {
		return s
	}
	s := f.of(l)
	f.mu.Lock()
	defer f.mu.Unlock()
	if known.Load() == nil {
		from := P(s).from()
		from.places = append(from.places, place)
		known.Store(s)
	}
	return s
}

// joined returns the places that have joined a series.
func joined[S any, P sourced[S]](f *family[S], s *S) []uint32 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return P(s).from().places
}
