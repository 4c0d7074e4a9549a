package runs

import (
	"bytes"
	"cmp"
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

// begun is what the last start of a run has left open.
type begun struct {
	steps  map[int]Step
	scopes map[text]ordered
	seen   int
	ended  bool // that start has, or it was told of

	// again says that there is another start, which has not begun anything yet. It
	// first tells of what is here, and may have been killed before that.
	again bool
	alive time.Time // the last sign of life before that; zero: that of the file
}

type ordered struct {
	number int
	beginEntry
}

// add takes in a line.
func (b *begun) add(h head) {
	switch {
	case h.Start != nil:
		if b.ended {
			*b = begun{}
		}
		if b.alive.IsZero() {
			b.alive = h.Start.Alive
		}
		b.again = true
	case h.End != nil, h.Told != nil:
		*b = begun{ended: true}
	case h.Step != nil:
		b.goOn()
		if b.steps == nil {
			b.steps = map[int]Step{}
		}
		b.steps[h.Step.Number] = h.Step.Step
	case h.Begin != nil:
		b.goOn()
		if b.scopes == nil {
			b.scopes = map[text]ordered{}
		}
		b.seen++
		b.scopes[h.Begin.SpanID] = ordered{b.seen, *h.Begin}
	case h.Done != nil:
		delete(b.scopes, h.Done.SpanID)
	case h.Record != nil && finished(h.Record.Status):
		delete(b.scopes, h.Record.SpanID)
	}
}

// goOn forgets what an earlier start has left open: the last one has told of it.
func (b *begun) goOn() {
	if b.again {
		*b = begun{}
	}
}

// crash returns what is open; nil when nothing is.
func (b *begun) crash(h Header, alive time.Time) *Crash {
	if b.ended || len(b.scopes) == 0 {
		return nil
	}
	list := make([]ordered, 0, len(b.scopes))
	for _, s := range b.scopes {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b ordered) int { return cmp.Compare(a.number, b.number) })
	if !b.alive.IsZero() {
		alive = b.alive
	}
	c := &Crash{Header: h, Alive: alive}
	for _, s := range list {
		c.Open = append(c.Open, Scope{
			Kind: string(s.Kind), Path: string(s.Path), SpanID: string(s.SpanID), ParentSpanID: string(s.Parent),
			Index: s.Index, Iteration: s.Iteration, Depth: s.Depth, Started: s.Started, Runner: string(s.Runner),
			Step: b.steps[s.Step], TraceID: string(s.TraceID), Flags: s.Flags, TraceState: string(s.State),
		})
	}
	return c
}

// Begin implements [Log].
func (l *fileLog) Begin(s Scope) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, known := l.steps[s.Step]
	if !known {
		number = len(l.steps) + 1
		if err := l.write(head{Step: &stepEntry{number, s.Step}}); err != nil {
			return err
		}
		if l.steps == nil {
			l.steps = map[Step]int{}
		}
		l.steps[s.Step] = number
	}
	return l.write(head{Begin: &beginEntry{
		Step: number, Kind: text(s.Kind), Path: text(s.Path), SpanID: text(s.SpanID), Parent: text(s.ParentSpanID),
		Index: s.Index, Iteration: s.Iteration, Depth: s.Depth, Started: s.Started.UTC(), Runner: text(s.Runner),
		TraceID: text(s.TraceID), Flags: s.Flags, State: text(s.TraceState),
	}})
}

// Done implements [Log].
func (l *fileLog) Done(spanID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(head{Done: &doneEntry{text(spanID)}})
}

// beat is the time between two signs of life of a run that writes nothing.
const beat = 5 * time.Second

// live has the time of the file tell that the process is alive. Every line that is
// written does so too.
func (l *fileLog) live() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heart = time.AfterFunc(beat, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.closed {
			_ = l.dir.root.Chtimes(l.name, time.Time{}, time.Now())
			l.heart.Reset(beat)
		}
	})
}

// isOver reports whether the end of a file says that its last start has ended, or
// that what it left open was told. It may say no where that is so.
func isOver(tail []byte) bool {
	tail, whole := bytes.CutSuffix(tail, []byte{'\n'})
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	if !whole || len(line) < prefixLen {
		return false
	}
	payload := line[prefixLen:]
	return bytes.HasPrefix(payload, []byte(`{"end":`)) || bytes.HasPrefix(payload, []byte(`{"told":`))
}
