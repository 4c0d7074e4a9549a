package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const eventing = "events"

// Each of these is sent in batches of a few events and again, as another run, in one.
var eventRules = []Rule{
	handled("events-nested", "Nested pipelines, in the order in which a run calls its hooks, are handled.", nested),
	handled("events-loops", "The rounds of loops and the branches that were chosen are handled.", loops),
	handled("events-map", "A map and its items are handled, also where an item is a pipeline.", mapped),
	handled("events-cached", "Stored results, and caches that have none, are handled.", cachedSteps),
	handled("events-retries", "Attempts that failed are handled.", retries),
	handled("events-skipped", "Steps that do not run are handled.", skippedSteps),
	handled("events-failures", "All results are handled, with errors, their types and stacks.", failures),
	handled("events-metrics", "Values that node code has marked are handled.", metrics),
	handled("events-crashed", "Scopes that were crashed are handled, and a run that goes on.", crashed),
	handled("events-jobs", "Jobs that are handed over are handled, and scopes with a runner of their own.", jobs),
	handled("events-values", "Captured inputs and outputs, labels and attributes of all types are handled.", values),
	handled("events-numbers", "Numbers are handled up to the ends of their types: integers that no double holds, counts, sizes, places and marked values.", numbers),
	handled("events-recorded", "What node code has recorded is handled; a record that cannot be read is lost, and nothing else is.", recorded),
	handled("events-several-runs", "Runs that are under way at once, under a parent or with a link, are handled.", severalRuns),
	{
		ID: "events-large-map", Area: eventing, check: configured(largeMap),
		Text: "A map of 10,000 items is handled.",
	},
	{
		ID: "events-end-alone", Area: eventing, check: configured(endAlone),
		Text: "An end or cached event is enough by itself: its start may be missing.",
	},
	{
		ID: "events-killed-between", Area: eventing, Process: true, check: killedBetween,
		Text: "When the process was killed between a start and its end, the end alone suffices for the process that takes its place.",
	},
}

// handled makes a rule of events that have to be taken.
func handled(id, text string, tell func(*script)) Rule {
	return Rule{ID: id, Area: eventing, Text: text, check: configured(takes(tell))}
}

// takes makes a check that events are taken.
func takes(tell func(*script)) func(context.Context, *session) error {
	return func(ctx context.Context, s *session) error {
		w := newScript()
		tell(w)
		list := w.batches(3)
		tell(w)
		st, err := s.stream(ctx)
		if err != nil {
			return err
		}
		defer st.close()
		if err := st.deliver(append(list, w.batch())...); err != nil {
			return err
		}
		h, err := s.health(ctx)
		if err != nil {
			return err
		}
		if n := h.GetIgnoredEvents(); n > 0 {
			return fmt.Errorf("ignored_events is %d: all of these hooks are known", n)
		}
		return s.arrived(w, false)
	}
}

func nested(w *script) {
	root := w.pipeline("daily")
	root.node("fetch").ok()
	in := root.nested("features")
	in.node("clean").ok()
	deep := in.nested("deeper")
	deep.node("embed").ok()
	deep.ok()
	in.ok()
	root.node("report").ok()
	root.ok()
}

func loops(w *script) {
	root := w.pipeline("daily")
	loop := root.inside(pb.Kind_KIND_NODE, "poll", "loop")
	loop.say(pb.Hook_HOOK_NODE_START)
	for round := range uint32(3) {
		n := loop.inside(pb.Kind_KIND_NODE, "poll", "func")
		n.flags, n.round = flagNoPath, round+1
		n.say(pb.Hook_HOOK_NODE_START)
		n.ok()
	}
	loop.ok()
	branch := root.inside(pb.Kind_KIND_NODE, "choose", "branch")
	branch.say(pb.Hook_HOOK_NODE_START)
	branch.node("left").ok()
	branch.skipped(pb.Kind_KIND_NODE, "right")
	branch.ok()
	root.ok()
}

func mapped(w *script) {
	root := w.pipeline("daily")
	m := root.mapping("embed", 3)
	a, b := m.item(0), m.item(1)
	b.ok()
	a.ok()
	c := m.item(2)
	in := c.inside(pb.Kind_KIND_PIPELINE, "embed", "pipeline")
	in.depth++
	in.say(pb.Hook_HOOK_NESTED_PIPELINE_START)
	in.say(pb.Hook_HOOK_PIPELINE_START)
	in.node("one").ok()
	in.ok()
	c.ok()
	m.end(pb.Result_RESULT_SUCCESS, sizes(3, 3, 0))
	empty := root.mapping("nothing", 0)
	empty.end(pb.Result_RESULT_SUCCESS, sizes(0, 0, 0))
	root.ok()
}

func cachedSteps(w *script) {
	root := w.pipeline("daily")
	root.inside(pb.Kind_KIND_NODE, "fetch", "func").stored(pb.Hook_HOOK_NODE_CACHED)
	n := root.inside(pb.Kind_KIND_NODE, "clean", "func")
	n.say(pb.Hook_HOOK_NODE_START, lookup(false))
	n.end(pb.Result_RESULT_SUCCESS, lookup(false))
	n = root.inside(pb.Kind_KIND_NODE, "bypass", "func")
	n.say(pb.Hook_HOOK_NODE_START, lookup(true))
	n.end(pb.Result_RESULT_SUCCESS, lookup(true))
	m := root.mapping("embed", 1)
	item := m.inside(pb.Kind_KIND_MAP_ITEM, "embed", "func")
	item.index, item.flags = 0, 0
	item.stored(pb.Hook_HOOK_MAP_ITEM_CACHED)
	m.end(pb.Result_RESULT_SUCCESS, sizes(1, 0, 1))
	root.ok()
}

func retries(w *script) {
	root := w.pipeline("daily")
	n := root.node("fetch")
	n.retry(1)
	n.retry(2)
	n.ok()
	w.last().attempts = 3
	m := root.mapping("embed", 1)
	item := m.item(0)
	item.retry(1)
	item.ok()
	w.last().attempts = 2
	m.end(pb.Result_RESULT_SUCCESS, sizes(1, 1, 0))
	root.ok()
}

func skippedSteps(w *script) {
	root := w.pipeline("daily")
	root.skipped(pb.Kind_KIND_NODE, "a")
	root.skipped(pb.Kind_KIND_MAP, "b")
	root.skipped(pb.Kind_KIND_PIPELINE, "c")
	gate := root.node("gate")
	gate.end(pb.Result_RESULT_SKIP)
	root.end(pb.Result_RESULT_SKIP)
}

func failures(w *script) {
	for result := pb.Result_RESULT_FAILURE; result <= pb.Result_RESULT_CANCELLATION; result++ {
		root := w.pipeline("daily")
		stack := ""
		if result == pb.Result_RESULT_ERROR {
			stack = "goroutine 1 [running]:\n" + strings.Repeat("main.fetch()\n\t/src/main.go:12\n", 100)
		}
		root.node("fetch").fail(result, "*fs.PathError", "open /data: no such file or directory", stack)
		root.end(result, failure("*fs.PathError", "open /data: no such file or directory", ""))
	}
}

func metrics(w *script) {
	root := w.pipeline("daily")
	n := root.node("train")
	n.mark("accuracy", 0.93, false)
	n.mark("loss", -1e300, false)
	n.ok()
	again := root.inside(pb.Kind_KIND_NODE, "again", "func")
	again.mark("accuracy", 0.93, true)
	again.stored(pb.Hook_HOOK_NODE_CACHED)
	root.ok()
}

// crashed is what the next start of a program says of a run that it goes on with.
func crashed(w *script) {
	before := w.pipeline("daily")
	n := before.node("fetch")
	n.say(pb.Hook_HOOK_CRASHED)
	before.say(pb.Hook_HOOK_CRASHED)
	root := w.pipeline("daily")
	w.last().rows = append(w.last().rows, func(wr *writer, at uint32) {
		wr.b.Resumed = &pb.Resumed{
			Event: []uint32{at}, Starts: []uint32{1}, Span: []uint64{before.span},
			TraceHi: []uint64{before.run.row.GetTraceHi()}, TraceLo: []uint64{before.run.row.GetTraceLo()},
		}
	})
	root.node("fetch").ok()
	root.ok()
	lost := w.pipeline("forgotten")
	lost.say(pb.Hook_HOOK_CRASHED)
}

func jobs(w *script) {
	root := w.pipeline("daily")
	job := root.inside(pb.Kind_KIND_JOB, "train", "shell")
	job.runner, job.queued = "temporal", time.Second
	job.say(pb.Hook_HOOK_NODE_START)
	job.end(pb.Result_RESULT_SUBMITTED)
	root.ok()
}

func values(w *script) {
	root := w.pipeline("daily")
	n := root.inside(pb.Kind_KIND_NODE, "fetch", "func")
	n.say(pb.Hook_HOOK_NODE_START, attribute("spanloom.inputs", pb.Attributes_TYPE_JSON, `{"day":"mon","rows":[1,2,3`))
	n.end(pb.Result_RESULT_SUCCESS,
		attribute("spanloom.outputs", pb.Attributes_TYPE_JSON, `"ünïcode \u0000 and a line\n"`),
		attribute("of.nobody", pb.Attributes_TYPE_STRING, "x"), attribute("", pb.Attributes_TYPE_STRING, ""),
		bits("int", pb.Attributes_TYPE_INT, math.MaxUint64), bits("double", pb.Attributes_TYPE_DOUBLE, math.Float64bits(math.NaN())),
		bits("infinite", pb.Attributes_TYPE_DOUBLE, math.Float64bits(math.Inf(-1))), bits("bool", pb.Attributes_TYPE_BOOL, 1),
		bits("unspecified", pb.Attributes_TYPE_UNSPECIFIED, out))
	m := root.mapping("embed", 1)
	item := m.inside(pb.Kind_KIND_MAP_ITEM, "embed", "func")
	item.index, item.flags = 0, 0
	label := attribute("spanloom.map.item.label", pb.Attributes_TYPE_STRING, "eu-west-1")
	item.say(pb.Hook_HOOK_MAP_ITEM_START, label)
	item.end(pb.Result_RESULT_SUCCESS, label)
	m.end(pb.Result_RESULT_SUCCESS, sizes(1, 1, 0))
	root.ok()
}

// numbers has larger numbers than any run gives.
func numbers(w *script) {
	w.order = max(w.order, math.MaxInt64)
	root := w.pipeline("daily")
	n := root.inside(pb.Kind_KIND_NODE, "poll", "func")
	n.round, n.queued = math.MaxUint32, math.MaxInt64
	n.say(pb.Hook_HOOK_NODE_START)
	for _, v := range []float64{math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1)} {
		n.mark("loss", v, false)
	}
	n.end(pb.Result_RESULT_SUCCESS,
		bits("odd", pb.Attributes_TYPE_INT, 1<<53+1), bits("most", pb.Attributes_TYPE_INT, math.MaxInt64),
		bits("least", pb.Attributes_TYPE_INT, 1<<63), bits("tiny", pb.Attributes_TYPE_DOUBLE, 1))
	w.last().attempts = math.MaxUint32
	root.inside(pb.Kind_KIND_NODE, "fetch", "func").stored(pb.Hook_HOOK_NODE_CACHED)
	w.last().rows = append(w.last().rows, func(wr *writer, _ uint32) {
		t := wr.cached()
		t.Saved[len(t.GetSaved())-1], t.Size[len(t.GetSize())-1] = math.MaxInt64, math.MaxUint64
	})
	m := root.mapping("embed", math.MaxUint64)
	m.item(math.MaxInt32).ok()
	m.end(pb.Result_RESULT_CANCELLATION, sizes(math.MaxUint64, 1, 0))
	root.ok()
	w.last().rows = append(w.last().rows, func(wr *writer, _ uint32) {
		t := wr.b.GetCounts()
		last := len(t.GetNodes()) - 1
		t.Nodes[last], t.Cached[last], t.Missed[last] = math.MaxUint64, math.MaxInt64, 1<<53+1
	})
}

func recorded(w *script) {
	span, err := proto.Marshal(&tracepb.Span{
		Events: []*tracepb.Span_Event{{Name: "half way", TimeUnixNano: uint64(w.began.UnixNano())}},
		Links:  []*tracepb.Span_Link{{TraceId: make([]byte, 16), SpanId: make([]byte, 8)}},
		Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK},
	})
	if err != nil {
		span = nil
	}
	row := func(attempt uint32, data []byte) func(*writer, uint32) {
		return func(wr *writer, at uint32) {
			t := wr.b.GetRecorded()
			if t == nil {
				t = &pb.Recorded{}
				wr.b.Recorded = t
			}
			t.Event = append(t.Event, at)
			t.Attempt = append(t.Attempt, attempt)
			t.Failure = append(t.Failure, 0)
			t.Span = append(t.Span, data)
		}
	}
	root := w.pipeline("daily")
	n := root.node("fetch")
	n.retry(1)
	n.end(pb.Result_RESULT_SUCCESS, row(0, span), row(2, span))
	w.last().attempts = 2
	root.node("unreadable").end(pb.Result_RESULT_SUCCESS, row(0, []byte("\xff\xff\xff no span")))
	root.ok()
}

func severalRuns(w *script) {
	a := w.pipeline("daily", func(r *pb.Run) { r.Parent = number() })
	b := w.pipeline("hourly", func(r *pb.Run) { r.LinkTraceHi, r.LinkTraceLo, r.LinkSpan = number(), number(), number() })
	c := w.pipeline("unknown epoch", func(r *pb.Run) { r.EpochUnixNano, r.Flags = 0, 1 })
	x, y := a.node("fetch"), b.node("fetch")
	c.node("fetch").ok()
	y.ok()
	x.ok()
	b.ok()
	a.ok()
	c.ok()
}

// everything is a run that has something of each table.
func everything(w *script) {
	for _, tell := range []func(*script){nested, loops, mapped, cachedSteps, retries, skippedSteps, failures, metrics, jobs, values, recorded} {
		tell(w)
	}
}

const items = 10_000

func bigMap(w *script) {
	root := w.pipeline("daily")
	m := root.mapping("embed", items)
	for i := range int32(items) {
		m.item(i).ok()
	}
	// Not all items of a large map have spans.
	w.ended = nil
	m.end(pb.Result_RESULT_SUCCESS, sizes(items, items, 0))
	root.ok()
}

func largeMap(ctx context.Context, s *session) error {
	w := newScript()
	bigMap(w)
	if err := s.deliver(ctx, w.batches(4000)...); err != nil {
		return err
	}
	return s.arrived(w, false)
}

func endAlone(ctx context.Context, s *session) error {
	w := newScript()
	everything(w)
	w.withoutStarts()
	if err := s.deliver(ctx, w.batches(5)...); err != nil {
		return err
	}
	return s.arrived(w, false)
}

// withoutStarts takes away all events that say of the beginning of a scope.
func (s *script) withoutStarts() {
	rest := s.events[:0]
	for _, e := range s.events {
		switch e.hook {
		case pb.Hook_HOOK_PIPELINE_START, pb.Hook_HOOK_NODE_START, pb.Hook_HOOK_NESTED_PIPELINE_START,
			pb.Hook_HOOK_MAP_START, pb.Hook_HOOK_MAP_ITEM_START:
		default:
			rest = append(rest, e)
		}
	}
	s.events = rest
}

func killedBetween(ctx context.Context, t *Target) error {
	w := newScript()
	root := w.pipeline("daily")
	n := root.node("fetch")
	starts := w.batch()
	n.ok()
	root.ok()
	ends := w.batch()
	for _, b := range []*pb.Batch{starts, ends} {
		err := func() error {
			s, err := t.open(ctx)
			if err != nil {
				return err
			}
			defer s.free()
			if err := s.configure(ctx); err != nil {
				return s.explain(err)
			}
			if err := s.deliver(ctx, b); err != nil {
				return s.explain(err)
			}
			if b == starts {
				s.proc.kill()
				return nil
			}
			f, err := s.flush(ctx)
			if err == nil && f.GetError() != "" {
				err = errors.New("Flush says: " + f.GetError())
			}
			if err != nil {
				return err
			}
			return s.arrived(w, false)
		}()
		if err != nil {
			return err
		}
	}
	return nil
}
