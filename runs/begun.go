package runs

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// stepEntry is a step of which scopes follow. It is written once in each start.
type stepEntry struct {
	Number int `json:"number"`
	Step
}

// beginEntry is a scope that has begun.
type beginEntry struct {
	Step      int       `json:"step"` // its number
	Kind      text      `json:"kind"`
	Path      text      `json:"path"`
	SpanID    text      `json:"span_id"`
	Parent    text      `json:"parent_span_id,omitempty"`
	Index     int       `json:"index,omitempty"`
	Iteration int       `json:"iteration,omitempty"`
	Depth     int       `json:"depth,omitempty"`
	Started   time.Time `json:"started"`
	Runner    text      `json:"runner,omitempty"`
	TraceID   text      `json:"trace_id,omitempty"`
	Flags     byte      `json:"flags,omitempty"`
	State     text      `json:"trace_state,omitempty"`
}

// doneEntry is a scope that has ended.
type doneEntry struct {
	SpanID text `json:"span_id"`
}

// toldEntry says that someone was told what a dead process had left open.
type toldEntry struct {
	At  time.Time `json:"at"`
	PID int       `json:"pid"`
	Cut int64     `json:"cut,omitempty"` // as of a start
}

// passedEntry says that a start has told what earlier ones had left open, and that
// it has lived on for long enough to pass it on.
type passedEntry struct {
	At time.Time `json:"at"`
}

// mostEarlier bounds the starts that are told of once more because those after
// them were killed at once, as in a crash loop.
const mostEarlier = 10

// begun is what the starts of a run have left open, and may not have been told.
type begun struct {
	earlier []left // starts that were killed
	last    left
	over    bool // the last start has ended, or it was told of
}

// left is what one start has left open.
type left struct {
	steps  map[int]Step
	scopes map[text]ordered
	seen   int
	alive  time.Time // its last sign of life
}

type ordered struct {
	number int
	beginEntry
}

// add takes in a line.
func (b *begun) add(h head) {
	switch {
	case h.Start != nil:
		b.next(h.Start.Alive)
	case h.End != nil:
		b.last, b.over = left{}, true
		if !h.End.Left {
			b.earlier = nil
		}
	case h.Told != nil:
		*b = begun{over: true}
	case h.Passed != nil:
		b.earlier = nil
	default:
		b.last.add(h)
	}
}

// next goes on to another start. The time is zero when that found nothing open.
func (b *begun) next(alive time.Time) {
	if b.open() && !alive.IsZero() {
		b.last.alive = alive
		b.earlier = append(b.earlier, b.last)
		b.earlier = b.earlier[max(len(b.earlier)-mostEarlier, 0):]
	}
	b.last, b.over = left{}, false
}

// open reports whether the last start has left something open.
func (b *begun) open() bool { return !b.over && len(b.last.scopes) > 0 }

// isOver reports whether nothing is open, and nothing can be until another start.
func (b *begun) isOver() bool { return b.over && len(b.earlier) == 0 }

func (s *left) add(h head) {
	switch {
	case h.Step != nil:
		if s.steps == nil {
			s.steps = map[int]Step{}
		}
		s.steps[h.Step.Number] = h.Step.Step
	case h.Begin != nil:
		if s.scopes == nil {
			s.scopes = map[text]ordered{}
		}
		s.seen++
		s.scopes[h.Begin.SpanID] = ordered{s.seen, *h.Begin}
	case h.Done != nil:
		delete(s.scopes, h.Done.SpanID)
	case h.Record != nil && finished(h.Record.Status):
		delete(s.scopes, h.Record.SpanID)
	}
}

// crashes returns what is open, by starts. Alive is the last sign of life of the
// last one.
func (b *begun) crashes(h Header, alive time.Time) (list []Crash) {
	for _, s := range b.earlier {
		list = append(list, s.crash(h, s.alive))
	}
	if b.open() {
		list = append(list, b.last.crash(h, alive))
	}
	return list
}

func (s *left) crash(h Header, alive time.Time) Crash {
	list := slices.SortedFunc(maps.Values(s.scopes), func(a, b ordered) int { return cmp.Compare(a.number, b.number) })
	c := Crash{Header: h, Alive: alive}
	for _, e := range list {
		c.Open = append(c.Open, Scope{
			Kind: string(e.Kind), Path: string(e.Path), SpanID: string(e.SpanID), ParentSpanID: string(e.Parent),
			Index: e.Index, Iteration: e.Iteration, Depth: e.Depth, Started: e.Started, Runner: string(e.Runner),
			Step: s.steps[e.Step], TraceID: string(e.TraceID), Flags: e.Flags, TraceState: string(e.State),
		})
	}
	return c
}
