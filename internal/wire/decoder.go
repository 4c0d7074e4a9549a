package wire

import (
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/metricname"
)

// Decoder calls the hooks that batches carry. It remembers the scopes that are
// open, so that a scope's parent is known while that runs, and needs nothing of
// what it remembers to make an End. A Decoder is for one goroutine.
type Decoder struct {
	// Ignored counts events whose hook is not known.
	Ignored uint64
	// Evicted counts scopes that were not remembered because too many were open.
	Evicted uint64
	// IgnoredExports counts exports that nobody took.
	IgnoredExports uint64
	// Export is called with each export of a batch, at its place among the
	// events. It says whether it takes the signal. Nil takes none.
	Export func(signal pb.Signal, request []byte) (taken bool, err error)

	runs       map[runKey]*runState
	order      []runKey
	open       int
	nodes      map[nodeKey]*callbacks.Node
	batchNodes []*callbacks.Node
	batchRuns  []*runState
	buf        []byte
	// positions in the sparse tables, whose rows come in the order of events
	errors, maps, cached, retries, lookups, resumed, counts, metrics cursor
	captured                                                         map[uint32]captured
	labels                                                           map[uint32]string
	said                                                             int // the next row of what was recorded
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	return &Decoder{runs: map[runKey]*runState{}, nodes: map[nodeKey]*callbacks.Node{}}
}

// Open returns the number of open scopes.
func (d *Decoder) Open() int { return d.open }

// cursor finds the row of an event in a sparse table.
type cursor struct {
	rows map[uint32]int
}

func (c *cursor) reset(events []uint32) {
	clear(c.rows)
	if len(events) > 0 && c.rows == nil {
		c.rows = map[uint32]int{}
	}
	for i, e := range events {
		c.rows[e] = i
	}
}

func (c *cursor) row(i int) (int, bool) {
	if len(c.rows) == 0 {
		return 0, false
	}
	r, ok := c.rows[uint32(i)]
	return r, ok
}

// Deliver calls the hooks of b, and Export with its exports. What panics or fails
// does not stop the others; the first panic or error is returned. A malformed
// batch gives ErrMalformed and no calls.
func (d *Decoder) Deliver(b *pb.Batch, cb callbacks.PipelineCallback) error {
	if err := Validate(b); err != nil {
		return err
	}
	n := len(b.GetNodes())
	if cap(d.batchNodes) < n {
		d.batchNodes = make([]*callbacks.Node, n)
	}
	d.batchNodes = d.batchNodes[:n]
	clear(d.batchNodes)
	d.batchRuns = slices.Grow(d.batchRuns[:0], len(b.GetRuns()))[:len(b.GetRuns())]
	clear(d.batchRuns)
	d.errors.reset(b.GetErrors().GetEvent())
	d.maps.reset(b.GetMaps().GetEvent())
	d.cached.reset(b.GetCached().GetEvent())
	d.retries.reset(b.GetRetries().GetEvent())
	d.lookups.reset(b.GetLookups().GetEvent())
	d.resumed.reset(b.GetResumed().GetEvent())
	d.counts.reset(b.GetCounts().GetEvent())
	d.metrics.reset(b.GetMetrics().GetEvent())
	d.texts(b)
	d.said = 0

	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	wants := callbacks.Interest(cb)
	exports := b.GetExports()
	for i, order := range b.GetEvents().GetOrder() {
		exports = d.exports(exports, order, note)
		note(d.event(b, i, cb, wants))
	}
	for _, e := range exports {
		note(d.export(e))
	}
	return first
}

// event calls one hook.
func (d *Decoder) event(b *pb.Batch, i int, cb callbacks.PipelineCallback, wants callbacks.Hook) (err error) {
	ev := b.Events
	hook := ev.Hook[i]
	kind := ev.Kind[i]
	if hook <= pb.Hook_HOOK_UNSPECIFIED || hook > pb.Hook_HOOK_METRIC || hook == pb.Hook_HOOK_EMIT ||
		kind <= pb.Kind_KIND_UNSPECIFIED || kind > pb.Kind_KIND_MAP_ITEM && kind != pb.Kind_KIND_JOB {
		d.Ignored++
		return nil
	}
	s := d.run(b, ev.Run[i])
	cc := d.scope(b, s, i)
	nested := hook == pb.Hook_HOOK_NESTED_PIPELINE_START || hook == pb.Hook_HOOK_NESTED_PIPELINE_END
	if nested && cc.Parent() == nil {
		d.Ignored++ // a root pipeline is not nested
		return nil
	}
	span := ev.Span[i]
	want := wants&(1<<(hook-1)) != 0
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instance panicked in %s: %v\n%s", callbacks.Hook(1)<<(hook-1), p, debug.Stack())
		}
	}()

	switch hook { //nolint:exhaustive // the others are ignored above
	case pb.Hook_HOOK_PIPELINE_START, pb.Hook_HOOK_NODE_START, pb.Hook_HOOK_MAP_START,
		pb.Hook_HOOK_MAP_ITEM_START, pb.Hook_HOOK_NESTED_PIPELINE_START:
		d.start(s, span, cc)
	case pb.Hook_HOOK_PIPELINE_END, pb.Hook_HOOK_CRASHED:
		if cc == s.root {
			defer d.forget(keyOf(b, ev.Run[i]))
		}
	case pb.Hook_HOOK_METRIC: // of a scope that is cached: it has no start
		if r, ok := d.metrics.row(i); ok && b.Metrics.Replayed[r] {
			d.start(s, span, cc)
		}
	case pb.Hook_HOOK_NODE_END, pb.Hook_HOOK_MAP_END, pb.Hook_HOOK_MAP_ITEM_END, pb.Hook_HOOK_NESTED_PIPELINE_END,
		pb.Hook_HOOK_NODE_CACHED, pb.Hook_HOOK_MAP_ITEM_CACHED:
		d.end(s, span)
	}
	d.recorded(b, i, cc)
	if want {
		d.call(b, i, cb, cc)
	}
	return nil
}

func (d *Decoder) call(b *pb.Batch, i int, cb callbacks.PipelineCallback, cc *callbacks.CallbackContext) {
	ev := b.Events
	switch ev.Hook[i] { //nolint:exhaustive // the caller has seen to that
	case pb.Hook_HOOK_PIPELINE_START:
		cb.OnPipelineStart(cc, callbacks.PipelineStart{Inputs: d.valuesOf(i), Resumed: d.resumedOf(b, i)})
	case pb.Hook_HOOK_PIPELINE_END:
		cb.OnPipelineEnd(cc, callbacks.PipelineEnd{End: d.endOf(b, i), Counts: d.countsOf(b, i), Outputs: d.valuesOf(i)})
	case pb.Hook_HOOK_NODE_START:
		cb.OnNodeStart(cc, callbacks.NodeStart{Inputs: d.valuesOf(i), Cache: d.lookupOf(b, i)})
	case pb.Hook_HOOK_NODE_END:
		cb.OnNodeEnd(cc, callbacks.NodeEnd{
			End: d.endOf(b, i), Attempts: int(ev.Attempts[i]), Outputs: d.valuesOf(i), Cache: d.lookupOf(b, i),
		})
	case pb.Hook_HOOK_NODE_CACHED:
		cb.OnNodeCached(cc, d.cachedOf(b, i))
	case pb.Hook_HOOK_NESTED_PIPELINE_START:
		cb.OnNestedPipelineStart(cc.Parent(), callbacks.NestedPipelineStart{Child: cc})
	case pb.Hook_HOOK_NESTED_PIPELINE_END:
		cb.OnNestedPipelineEnd(cc.Parent(), callbacks.NestedPipelineEnd{End: d.endOf(b, i), Counts: d.countsOf(b, i), Child: cc})
	case pb.Hook_HOOK_MAP_START:
		n, m := d.mapOf(b, i)
		cb.OnMapStart(cc, callbacks.MapStart{Size: n, Concurrency: m.Concurrency, Inputs: d.valuesOf(i)})
	case pb.Hook_HOOK_MAP_END:
		_, m := d.mapOf(b, i)
		m.End, m.Outputs = d.endOf(b, i), d.valuesOf(i)
		cb.OnMapEnd(cc, m)
	case pb.Hook_HOOK_MAP_ITEM_START:
		cb.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: d.valuesOf(i), Label: d.labels[uint32(i)], Cache: d.lookupOf(b, i)})
	case pb.Hook_HOOK_MAP_ITEM_END:
		cb.OnMapItemEnd(cc, callbacks.MapItemEnd{
			End: d.endOf(b, i), Attempts: max(int(ev.Attempts[i]), 1), Outputs: d.valuesOf(i), Label: d.labels[uint32(i)],
			Cache: d.lookupOf(b, i),
		})
	case pb.Hook_HOOK_MAP_ITEM_CACHED:
		c := d.cachedOf(b, i)
		cb.OnMapItemCached(cc, callbacks.MapItemCached{
			Signature: c.Signature, Saved: c.Saved, Reason: c.Reason, TraceID: c.TraceID, SpanID: c.SpanID,
			Outputs: c.Outputs, Tier: c.Tier, Size: c.Size, Label: d.labels[uint32(i)],
		})
	case pb.Hook_HOOK_ERROR:
		cb.OnError(cc, callbacks.Failure{Err: d.errorOf(b, i), Result: callbacks.Result(ev.Result[i])})
	case pb.Hook_HOOK_NODE_RETRY:
		retry := callbacks.NodeRetry{Attempt: int(ev.Attempts[i]), Err: d.errorOf(b, i)}
		if r, ok := d.retries.row(i); ok {
			retry.Delay = time.Duration(max(b.Retries.Delay[r], 0))
			if took := b.Retries.Took; len(took) > 0 {
				retry.Duration = time.Duration(max(took[r], 0))
				retry.Start = max(time.Duration(ev.Duration[i])-retry.Duration, 0)
			}
		}
		cb.OnNodeRetry(cc, retry)
	case pb.Hook_HOOK_NODE_SKIPPED:
		cb.OnNodeSkipped(cc, callbacks.NodeSkipped{Reason: d.cachedOf(b, i).Reason})
	case pb.Hook_HOOK_CRASHED:
		cb.OnCrashed(cc, callbacks.Crashed{Duration: time.Duration(max(ev.Duration[i], 0))})
	case pb.Hook_HOOK_METRIC:
		if m, ok := d.metricOf(b, i); ok {
			cb.OnMetric(cc, m)
		}
	}
}

func (d *Decoder) endOf(b *pb.Batch, i int) callbacks.End {
	ev := b.Events
	return callbacks.End{
		Duration: time.Duration(max(ev.Duration[i], 0)),
		Result:   callbacks.Result(ev.Result[i]),
		Origin:   ev.Flags[i]&flagOrigin != 0,
		Err:      d.errorOf(b, i),
	}
}

func (d *Decoder) errorOf(b *pb.Batch, i int) error {
	r, ok := d.errors.row(i)
	if !ok {
		return nil
	}
	t, strs := b.Errors, b.Strings
	return &Error{Type: strs[t.Type[r]], Message: strs[t.Message[r]], Trace: strs[t.Stack[r]]}
}

func (d *Decoder) cachedOf(b *pb.Batch, i int) callbacks.NodeCached {
	c := callbacks.NodeCached{Outputs: d.valuesOf(i)}
	r, ok := d.cached.row(i)
	if !ok {
		return c
	}
	t := b.Cached
	c.Signature, c.Saved, c.Reason = b.Strings[t.Signature[r]], time.Duration(t.Saved[r]), b.Strings[t.Reason[r]]
	if len(t.Span) > 0 {
		c.TraceID, c.SpanID = traceID(t.TraceHi[r], t.TraceLo[r]), spanID(t.Span[r])
	}
	if len(t.Tier) > 0 {
		c.Tier = b.Strings[t.Tier[r]]
	}
	if len(t.Size) > 0 {
		c.Size = size(t.Size[r])
	}
	return c
}

// size returns a number of bytes that was sent.
func size(n uint64) int { return int(min(n, math.MaxInt)) }

func (d *Decoder) lookupOf(b *pb.Batch, i int) *callbacks.CacheLookup {
	r, ok := d.lookups.row(i)
	if !ok {
		return nil
	}
	t := b.Lookups
	l := &callbacks.CacheLookup{
		Signature: b.Strings[t.Signature[r]], Reason: b.Strings[t.Reason[r]], Bypass: t.Bypass[r],
	}
	if len(t.Tier) > 0 {
		l.Tier = b.Strings[t.Tier[r]]
	}
	if len(t.Stored) > 0 {
		l.Stored = size(t.Stored[r])
	}
	return l
}

// metricOf returns a value that node code has marked: one that no callback may be
// given is left out.
func (d *Decoder) metricOf(b *pb.Batch, i int) (callbacks.Metric, bool) {
	r, ok := d.metrics.row(i)
	if !ok {
		return callbacks.Metric{}, false
	}
	t := b.Metrics
	m := callbacks.Metric{
		Name: b.Strings[t.Name[r]], Value: t.Value[r], Replayed: t.Replayed[r],
		At: time.Duration(max(b.Events.Duration[i], 0)),
	}
	return m, metricname.Check(m.Name) == nil && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0)
}

func (d *Decoder) countsOf(b *pb.Batch, i int) callbacks.Counts {
	r, ok := d.counts.row(i)
	if !ok {
		return callbacks.Counts{}
	}
	t := b.Counts
	return callbacks.Counts{Nodes: int(t.Nodes[r]), Cached: int(t.Cached[r]), Missed: int(t.Missed[r])}
}

func (d *Decoder) resumedOf(b *pb.Batch, i int) *callbacks.Resumed {
	r, ok := d.resumed.row(i)
	if !ok {
		return nil
	}
	t := b.Resumed
	return &callbacks.Resumed{
		Starts: int(t.Starts[r]), TraceID: traceID(t.TraceHi[r], t.TraceLo[r]), SpanID: spanID(t.Span[r]),
	}
}

func (d *Decoder) mapOf(b *pb.Batch, i int) (size int, m callbacks.MapEnd) {
	r, ok := d.maps.row(i)
	if !ok {
		return 0, m
	}
	t := b.Maps
	return int(t.Size[r]), callbacks.MapEnd{
		Succeeded: int(t.Succeeded[r]), Failed: int(t.Failed[r]),
		Cached: int(t.Cached[r]), Skipped: int(t.Skipped[r]),
		Concurrency: int(t.Concurrency[r]),
	}
}

// path puts the path of an event's scope together.
func (d *Decoder) path(b *pb.Batch, i int) string {
	ev := b.Events
	p := append(d.buf[:0], b.Strings[ev.Path[i]]...) //nolint:gocritic // the buffer is stored again below
	if ev.Kind[i] == pb.Kind_KIND_MAP_ITEM {
		p = append(p, '[')
		p = strconv.AppendInt(p, int64(ev.Index[i]), 10)
		p = append(p, ']')
		d.buf = p
		return string(p)
	}
	if ev.Iteration[i] > 0 {
		p = append(p, '#')
		p = strconv.AppendUint(p, uint64(ev.Iteration[i]), 10)
	}
	if ev.Flags[i]&flagNoPath == 0 {
		if len(p) > 0 {
			p = append(p, '/')
		}
		p = append(p, b.Strings[b.Nodes[ev.Node[i]].GetName()]...)
	}
	d.buf = p
	return string(p)
}
