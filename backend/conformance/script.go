package conformance

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// script writes batches by hand, as the protocol describes them.
type script struct {
	epoch, seq, order uint64
	now               time.Duration // since the epoch of the runs
	events            []event
	exports           []*pb.Export
	began             time.Time
	ended             []uint64 // spans of scopes that have ended
}

func newScript() *script {
	return &script{epoch: number(), began: time.Now()}
}

// number returns a random number that is not 0.
func number() uint64 { return rand.Uint64() | 1 } //nolint:gosec // it must differ, not be secret

// run is the row of a run.
type run struct {
	row  *pb.Run // with its numbers
	id   string
	name string
}

// event is an event and what belongs to it.
type event struct {
	scope

	hook     pb.Hook
	duration time.Duration
	attempts uint32
	result   pb.Result
	flags    uint32
	rows     []func(w *writer, at uint32)
}

// scope is what an event belongs to.
type scope struct {
	script *script
	run    *run
	kind   pb.Kind
	name   string
	typ    string
	span   uint64
	parent uint64
	start  time.Duration
	depth  uint32
	index  int32
	round  uint32
	around string // the path of the scope around it
	flags  uint32
	runner string
	queued time.Duration
}

const (
	flagOrigin = 1
	flagNoPath = 2
)

// path returns the scope's own path.
func (c *scope) path() string {
	round := ""
	if c.round > 0 {
		round = "#" + strconv.Itoa(int(c.round))
	}
	switch {
	case c.kind == pb.Kind_KIND_MAP_ITEM:
		return c.around + "[" + strconv.Itoa(int(c.index)) + "]"
	case c.flags&flagNoPath != 0:
		return c.around + round
	case c.around == "":
		return c.name
	default:
		return c.around + round + "/" + c.name
	}
}

// pipeline begins a run.
func (s *script) pipeline(name string, edit ...func(*pb.Run)) *scope {
	span := number()
	r := &run{id: fmt.Sprintf("%016x", number()), name: name}
	r.row = &pb.Run{
		TraceHi: number(), TraceLo: number(), Flags: 1, EpochUnixNano: s.began.UnixNano(), Span: span,
	}
	for _, f := range edit {
		f(r.row)
	}
	c := &scope{
		script: s, run: r, kind: pb.Kind_KIND_PIPELINE, name: name, typ: "pipeline",
		span: span, parent: r.row.GetParent(), start: s.now, index: -1,
	}
	c.say(pb.Hook_HOOK_PIPELINE_START)
	return c
}

// inside returns a scope inside c, of which nothing is said yet.
func (c *scope) inside(kind pb.Kind, name, typ string) *scope {
	in := &scope{
		script: c.script, run: c.run, kind: kind, name: name, typ: typ, span: number(), parent: c.span,
		start: c.script.now, depth: c.depth, index: -1, around: c.path(), runner: c.runner,
	}
	if c.kind == pb.Kind_KIND_MAP_ITEM && name == c.name {
		in.flags = flagNoPath
	}
	return in
}

// say adds an event of the scope.
func (c *scope) say(hook pb.Hook, rows ...func(*writer, uint32)) *event {
	s := c.script
	s.now += 100 * time.Microsecond
	s.events = append(s.events, event{scope: *c, hook: hook, duration: s.now - c.start, rows: rows})
	return s.last()
}

// last returns the event that was said last.
func (s *script) last() *event { return &s.events[len(s.events)-1] }

func (c *scope) node(name string) *scope {
	in := c.inside(pb.Kind_KIND_NODE, name, "func")
	in.say(pb.Hook_HOOK_NODE_START)
	return in
}

func (c *scope) nested(name string) *scope {
	in := c.inside(pb.Kind_KIND_PIPELINE, name, "pipeline")
	in.depth++
	in.say(pb.Hook_HOOK_NESTED_PIPELINE_START)
	in.say(pb.Hook_HOOK_PIPELINE_START)
	return in
}

func (c *scope) mapping(name string, size uint64) *scope {
	in := c.inside(pb.Kind_KIND_MAP, name, "func")
	in.say(pb.Hook_HOOK_MAP_START, sizes(size, 0, 0))
	return in
}

func (c *scope) item(i int32) *scope {
	in := c.inside(pb.Kind_KIND_MAP_ITEM, c.name, "func")
	in.index = i
	in.flags = 0
	in.say(pb.Hook_HOOK_MAP_ITEM_START)
	return in
}

// end ends the scope.
func (c *scope) end(result pb.Result, rows ...func(*writer, uint32)) {
	hook := pb.Hook_HOOK_NODE_END
	switch c.kind {
	case pb.Kind_KIND_PIPELINE:
		hook = pb.Hook_HOOK_PIPELINE_END
		rows = append(rows, counts)
	case pb.Kind_KIND_MAP:
		hook = pb.Hook_HOOK_MAP_END
	case pb.Kind_KIND_MAP_ITEM:
		hook = pb.Hook_HOOK_MAP_ITEM_END
	default:
	}
	e := c.say(hook, rows...)
	e.result = result
	if c.kind != pb.Kind_KIND_PIPELINE && c.kind != pb.Kind_KIND_MAP {
		e.attempts = 1
	}
	if c.kind == pb.Kind_KIND_PIPELINE && c.depth > 0 {
		c.say(pb.Hook_HOOK_NESTED_PIPELINE_END, counts).result = result
	}
	c.script.ended = append(c.script.ended, c.span)
}

func (c *scope) ok() { c.end(pb.Result_RESULT_SUCCESS) }

// fail says that c failed, and ends it.
func (c *scope) fail(result pb.Result, typ, message, stack string) {
	row := failure(typ, message, stack)
	c.say(pb.Hook_HOOK_ERROR, row).result = result
	c.end(result, row)
	c.script.last().flags |= flagOrigin
}

// retry says that an attempt has failed.
func (c *scope) retry(attempt uint32) {
	e := c.say(pb.Hook_HOOK_NODE_RETRY, failure("timeout", "no answer", ""), func(w *writer, at uint32) {
		t := w.b.GetRetries()
		if t == nil {
			t = &pb.Retries{}
			w.b.Retries = t
		}
		t.Event = append(t.Event, at)
		t.Delay = append(t.Delay, int64(time.Millisecond))
		t.Took = append(t.Took, int64(50*time.Microsecond))
	})
	e.attempts, e.result = attempt, pb.Result_RESULT_TIMEOUT
}

// mark says that the code of c has marked a value.
func (c *scope) mark(name string, value float64, replayed bool) {
	c.say(pb.Hook_HOOK_METRIC, func(w *writer, at uint32) {
		t := w.b.GetMetrics()
		if t == nil {
			t = &pb.Metrics{}
			w.b.Metrics = t
		}
		t.Event = append(t.Event, at)
		t.Name = append(t.Name, w.text(name))
		t.Value = append(t.Value, value)
		t.Replayed = append(t.Replayed, replayed)
	})
}

// stored says that the stored result of a step was used, whose scope this is.
func (c *scope) stored(hook pb.Hook) {
	c.say(hook, func(w *writer, at uint32) {
		t := w.cached()
		t.Event = append(t.Event, at)
		t.Signature = append(t.Signature, w.text("3c59dc04"))
		t.Saved = append(t.Saved, int64(time.Second))
		t.Reason = append(t.Reason, w.text("hit"))
		t.Span = append(t.Span, 7)
		t.TraceHi = append(t.TraceHi, 8)
		t.TraceLo = append(t.TraceLo, 9)
		t.Tier = append(t.Tier, w.text("memory"))
		t.Size = append(t.Size, 512)
	})
	c.script.ended = append(c.script.ended, c.span)
}

// skipped says that a step inside c does not run.
func (c *scope) skipped(kind pb.Kind, name string) {
	c.inside(kind, name, "func").say(pb.Hook_HOOK_NODE_SKIPPED, func(w *writer, at uint32) {
		t := w.cached()
		t.Event = append(t.Event, at)
		t.Signature = append(t.Signature, 0)
		t.Saved = append(t.Saved, 0)
		t.Reason = append(t.Reason, w.text("not the branch that was chosen"))
		t.Span, t.TraceHi, t.TraceLo = append(t.Span, 0), append(t.TraceHi, 0), append(t.TraceLo, 0)
		t.Tier = append(t.Tier, 0)
		t.Size = append(t.Size, 0)
	})
}

// lookup is the row of an event whose cache has no result.
func lookup(bypass bool) func(*writer, uint32) {
	return func(w *writer, at uint32) {
		t := w.b.GetLookups()
		if t == nil {
			t = &pb.Lookups{}
			w.b.Lookups = t
		}
		t.Event = append(t.Event, at)
		t.Signature = append(t.Signature, w.text("3c59dc04"))
		t.Reason = append(t.Reason, w.text("new inputs"))
		t.Bypass = append(t.Bypass, bypass)
		t.Tier = append(t.Tier, w.text("disk"))
		t.Stored = append(t.Stored, 64)
	}
}

// failure is the row of an event with an error.
func failure(typ, message, stack string) func(*writer, uint32) {
	return func(w *writer, at uint32) {
		t := w.b.GetErrors()
		if t == nil {
			t = &pb.Errors{}
			w.b.Errors = t
		}
		t.Event = append(t.Event, at)
		t.Type = append(t.Type, w.text(typ))
		t.Message = append(t.Message, w.text(message))
		t.Stack = append(t.Stack, w.text(stack))
	}
}

// sizes is the row of the start or the end of a map, at whose end all items that
// neither succeeded nor were cached are skipped.
func sizes(size, succeeded, cached uint64) func(*writer, uint32) {
	return func(w *writer, at uint32) {
		t := w.b.GetMaps()
		if t == nil {
			t = &pb.Maps{}
			w.b.Maps = t
		}
		skipped := uint64(0)
		if w.b.GetEvents().GetHook()[at] == pb.Hook_HOOK_MAP_END {
			skipped = size - succeeded - cached
		}
		t.Event = append(t.Event, at)
		t.Size = append(t.Size, size)
		t.Concurrency = append(t.Concurrency, 8)
		t.Succeeded = append(t.Succeeded, succeeded)
		t.Failed = append(t.Failed, 0)
		t.Cached = append(t.Cached, cached)
		t.Skipped = append(t.Skipped, skipped)
	}
}

// counts is the row of the end of a pipeline.
func counts(w *writer, at uint32) {
	t := w.b.GetCounts()
	if t == nil {
		t = &pb.Counts{}
		w.b.Counts = t
	}
	t.Event = append(t.Event, at)
	t.Nodes = append(t.Nodes, 3)
	t.Cached = append(t.Cached, 1)
	t.Missed = append(t.Missed, 1)
}

// attribute is a row of an event's attributes, whose value is a text.
func attribute(key string, typ pb.Attributes_Type, value string) func(*writer, uint32) {
	return func(w *writer, at uint32) { w.attribute(at, key, typ, uint64(w.text(value))) }
}

// bits is one whose value is none.
func bits(key string, typ pb.Attributes_Type, value uint64) func(*writer, uint32) {
	return func(w *writer, at uint32) { w.attribute(at, key, typ, value) }
}
