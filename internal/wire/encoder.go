package wire

import (
	"encoding/binary"
	"strings"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// Encoder makes batches of records. It reuses its memory: a batch is valid
// until the next Begin. An Encoder is for one goroutine.
type Encoder struct {
	batch   pb.Batch
	events  pb.Events
	strings map[string]uint32
	nodes   map[*callbacks.Node]uint32
	runs    map[*callbacks.CallbackContext]uint32
	scopes  map[*callbacks.CallbackContext]place
	epochs  []time.Time
	runners []string                             // of the runs
	sources map[*callbacks.Node]callbacks.Source // over all batches

	last      *callbacks.CallbackContext
	lastPlace place
}

// place is what all scopes inside a scope share.
type place struct {
	path, run uint32
	span      uint64
}

// maxSources bounds the memory of an encoder that sees ever new nodes.
const maxSources = 4096

// NewEncoder returns an encoder.
func NewEncoder() *Encoder {
	return &Encoder{
		strings: map[string]uint32{},
		nodes:   map[*callbacks.Node]uint32{},
		runs:    map[*callbacks.CallbackContext]uint32{},
		scopes:  map[*callbacks.CallbackContext]place{},
		sources: map[*callbacks.Node]callbacks.Source{},
	}
}

// Begin starts a new batch.
func (e *Encoder) Begin(epoch, seq, dropped uint64) {
	clear(e.strings)
	clear(e.nodes)
	clear(e.runs)
	clear(e.scopes)
	e.last = nil
	e.epochs, e.runners = e.epochs[:0], e.runners[:0]
	ev := &e.events
	ev.Hook, ev.Kind, ev.Run, ev.Node = ev.Hook[:0], ev.Kind[:0], ev.Run[:0], ev.Node[:0]
	ev.Span, ev.Parent, ev.Order = ev.Span[:0], ev.Parent[:0], ev.Order[:0]
	ev.Start, ev.Duration, ev.Depth = ev.Start[:0], ev.Duration[:0], ev.Depth[:0]
	ev.Index, ev.Iteration, ev.Attempt = ev.Index[:0], ev.Iteration[:0], ev.Attempt[:0]
	ev.Attempts, ev.Path, ev.Result, ev.Flags = ev.Attempts[:0], ev.Path[:0], ev.Result[:0], ev.Flags[:0]
	ev.Runner, ev.Queued = ev.Runner[:0], ev.Queued[:0]
	b := &e.batch
	b.Epoch, b.Seq, b.DroppedBefore = epoch, seq, dropped
	b.Strings, b.Runs, b.Nodes = b.Strings[:0], b.Runs[:0], b.Nodes[:0]
	b.Events, b.Errors, b.Maps, b.Cached, b.Retries = ev, nil, nil, nil, nil
	b.Lookups, b.Resumed, b.Counts, b.Attributes, b.Recorded = nil, nil, nil, nil, nil
	b.Metrics = nil
	clear(b.Exports) // lets the requests go
	b.Exports = b.Exports[:0]
	e.intern("")
}

// Batch returns the batch so far.
func (e *Encoder) Batch() *pb.Batch { return &e.batch }

// Len returns the number of events so far.
func (e *Encoder) Len() int { return len(e.events.GetHook()) }

// Add appends a record; x is nil when it has no extra.
func (e *Encoder) Add(r *Record, x *Extra) {
	cc := r.Context
	parent := cc.Parent()
	in := e.place(parent, cc)
	node := cc.Node()

	ev := &e.events
	at := uint32(len(ev.Hook))
	flags := uint32(0)
	if r.Origin {
		flags |= flagOrigin
	}
	if sharesPath(cc, parent) {
		flags |= flagNoPath
	}
	span := cc.SpanID()
	start := time.Duration(0)
	if epoch := e.epochs[in.run]; !epoch.IsZero() {
		start = cc.Start().Sub(epoch)
	}
	ev.Hook = append(ev.Hook, pb.Hook(number(r.Hook)))
	ev.Kind = append(ev.Kind, pb.Kind(cc.Kind()))
	ev.Run = append(ev.Run, in.run)
	ev.Node = append(ev.Node, e.node(node))
	ev.Span = append(ev.Span, binary.BigEndian.Uint64(span[:]))
	ev.Parent = append(ev.Parent, in.span)
	ev.Order = append(ev.Order, r.Order)
	ev.Start = append(ev.Start, int64(start))
	ev.Duration = append(ev.Duration, int64(r.Duration))
	ev.Depth = append(ev.Depth, uint32(cc.Depth()))
	ev.Index = append(ev.Index, int32(cc.Index()))
	ev.Iteration = append(ev.Iteration, uint32(cc.Iteration()))
	ev.Attempt = append(ev.Attempt, uint32(cc.Attempt()))
	ev.Attempts = append(ev.Attempts, uint32(r.Attempts))
	ev.Path = append(ev.Path, in.path)
	ev.Result = append(ev.Result, pb.Result(r.Result))
	ev.Flags = append(ev.Flags, flags)
	if name := cc.Runner(); len(ev.Runner) > 0 || name != e.runners[in.run] {
		e.runner(in.run, name)
	}
	if d := cc.Queued(); len(ev.Queued) > 0 || d > 0 {
		for len(ev.Queued) < len(ev.Hook)-1 { // as with runners
			ev.Queued = append(ev.Queued, 0)
		}
		ev.Queued = append(ev.Queued, uint64(d))
	}
	if x != nil {
		e.extra(at, r.Hook, x)
	}
}

// sharesPath reports whether cc, whose parent is nil for a root pipeline, is what
// a map item or a round of a loop runs as a whole: it has the path of that.
func sharesPath(cc, parent *callbacks.CallbackContext) bool {
	switch {
	case parent == nil:
		return false
	case cc.Kind() == callbacks.KindPipeline:
		return parent.Kind() == callbacks.KindMapItem || cc.Iteration() > 0
	default:
		return parent.Kind() == callbacks.KindMapItem && cc.Name() == parent.Name()
	}
}

// runner fills the column of runners, which there is only in batches where one is
// not its run's: the column is as long as the others from then on.
func (e *Encoder) runner(run uint32, name string) {
	ev := &e.events
	for len(ev.Runner) < len(ev.Hook)-1 {
		ev.Runner = append(ev.Runner, 0)
	}
	i := uint32(0)
	if name != e.runners[run] {
		i = e.intern(name)
	}
	ev.Runner = append(ev.Runner, i)
}

// extra fills the sparse tables.
func (e *Encoder) extra(at uint32, hook callbacks.Hook, x *Extra) {
	b := &e.batch
	if x.Error != (Error{}) {
		if b.Errors == nil {
			b.Errors = &pb.Errors{}
		}
		t := b.Errors
		t.Event = append(t.Event, at)
		t.Type = append(t.Type, e.intern(x.Error.Type))
		t.Message = append(t.Message, e.intern(x.Error.Message))
		t.Stack = append(t.Stack, e.intern(x.Error.Trace))
	}
	if x.Looked {
		if b.Lookups == nil {
			b.Lookups = &pb.Lookups{}
		}
		t := b.Lookups
		t.Event = append(t.Event, at)
		t.Signature = append(t.Signature, e.intern(x.Signature))
		t.Reason = append(t.Reason, e.intern(x.Reason))
		t.Bypass = append(t.Bypass, x.Bypass)
		t.Tier = append(t.Tier, e.intern(x.Tier))
		t.Stored = append(t.Stored, uint64(x.InCache))
	}
	if r := x.Resumed; r != nil {
		if b.Resumed == nil {
			b.Resumed = &pb.Resumed{}
		}
		t := b.Resumed
		t.Event = append(t.Event, at)
		t.Starts = append(t.Starts, uint32(r.Starts))
		t.TraceHi = append(t.TraceHi, binary.BigEndian.Uint64(r.TraceID[:8]))
		t.TraceLo = append(t.TraceLo, binary.BigEndian.Uint64(r.TraceID[8:]))
		t.Span = append(t.Span, binary.BigEndian.Uint64(r.SpanID[:]))
	}
	if x.Values != "" {
		e.values(at, hook, x.Values)
	}
	if x.Label != "" {
		e.text(at, labelKey, pb.Attributes_TYPE_STRING, x.Label)
	}
	if x.Recorded != nil {
		e.recorded(at, x.Recorded)
	}
	if m := x.Metric; m != nil {
		if b.Metrics == nil {
			b.Metrics = &pb.Metrics{}
		}
		t := b.Metrics
		t.Event = append(t.Event, at)
		t.Name = append(t.Name, e.intern(m.Name))
		t.Value = append(t.Value, m.Value)
		t.Replayed = append(t.Replayed, m.Replayed)
	}
	switch hook {
	case callbacks.HookPipelineEnd, callbacks.HookNestedPipelineEnd:
		if b.Counts == nil {
			b.Counts = &pb.Counts{}
		}
		t := b.Counts
		t.Event = append(t.Event, at)
		t.Nodes = append(t.Nodes, uint64(x.Counts.Nodes))
		t.Cached = append(t.Cached, uint64(x.Counts.Cached))
		t.Missed = append(t.Missed, uint64(x.Counts.Missed))
	case callbacks.HookMapStart, callbacks.HookMapEnd:
		if b.Maps == nil {
			b.Maps = &pb.Maps{}
		}
		t := b.Maps
		t.Event = append(t.Event, at)
		t.Size = append(t.Size, uint64(x.Size))
		t.Concurrency = append(t.Concurrency, uint32(x.Concurrency))
		t.Succeeded = append(t.Succeeded, uint64(x.Succeeded))
		t.Failed = append(t.Failed, uint64(x.Failed))
		t.Cached = append(t.Cached, uint64(x.Cached))
		t.Skipped = append(t.Skipped, uint64(x.Skipped))
	case callbacks.HookNodeCached, callbacks.HookMapItemCached, callbacks.HookNodeSkipped:
		if b.Cached == nil {
			b.Cached = &pb.Cached{}
		}
		t := b.Cached
		t.Event = append(t.Event, at)
		t.Signature = append(t.Signature, e.intern(x.Signature))
		t.Saved = append(t.Saved, int64(x.Saved))
		t.Reason = append(t.Reason, e.intern(x.Reason))
		if len(t.Span) > 0 || x.SpanID.IsValid() {
			lead(t, x)
		}
		t.Tier = append(t.Tier, e.intern(x.Tier))
		t.Size = append(t.Size, uint64(x.InCache))
	case callbacks.HookNodeRetry:
		if b.Retries == nil {
			b.Retries = &pb.Retries{}
		}
		b.Retries.Event = append(b.Retries.Event, at)
		b.Retries.Delay = append(b.Retries.Delay, int64(x.Delay))
		b.Retries.Took = append(b.Retries.Took, int64(x.Took))
	}
}

// intern returns the index of s, which is made valid UTF-8 as protobuf demands.
func (e *Encoder) intern(s string) uint32 {
	if i, ok := e.strings[s]; ok {
		return i
	}
	i := uint32(len(e.batch.Strings))
	e.batch.Strings = append(e.batch.Strings, strings.ToValidUTF8(s, "\uFFFD"))
	e.strings[s] = i
	return i
}

func (e *Encoder) node(n *callbacks.Node) uint32 {
	if i, ok := e.nodes[n]; ok {
		return i
	}
	src, ok := e.sources[n]
	if !ok {
		if len(e.sources) >= maxSources {
			clear(e.sources)
		}
		src = n.Source()
		e.sources[n] = src
	}
	i := uint32(len(e.batch.Nodes))
	e.batch.Nodes = append(e.batch.Nodes, &pb.Node{
		Name: e.intern(n.Name), Type: e.intern(n.Type), Signature: e.intern(n.Signature),
		Function: e.intern(src.Function), File: e.intern(src.File),
		Line: uint32(max(src.Line, 0)), Version: e.intern(n.Version),
	})
	e.nodes[n] = i
	return i
}

// place returns what the scopes inside parent share; parent is nil for the root
// pipeline cc.
func (e *Encoder) place(parent, cc *callbacks.CallbackContext) place {
	if parent == nil {
		p := cc.ParentSpanID()
		return place{run: e.run(cc), span: binary.BigEndian.Uint64(p[:])}
	}
	if parent == e.last {
		return e.lastPlace
	}
	in, ok := e.scopes[parent]
	if !ok {
		span := parent.SpanID()
		in = place{path: e.intern(parent.Path()), run: e.run(parent.Root()), span: binary.BigEndian.Uint64(span[:])}
		e.scopes[parent] = in
	}
	e.last, e.lastPlace = parent, in
	return in
}

func (e *Encoder) run(root *callbacks.CallbackContext) uint32 {
	if i, ok := e.runs[root]; ok {
		return i
	}
	id := root.Identity()
	span := root.SpanID()
	epoch := root.Start()
	nano := int64(0)
	if !epoch.IsZero() {
		nano = epoch.UnixNano()
	}
	i := uint32(len(e.batch.Runs))
	e.batch.Runs = append(e.batch.Runs, &pb.Run{
		Id:            e.intern(root.RunID()),
		TraceHi:       binary.BigEndian.Uint64(id.TraceID[:8]),
		TraceLo:       binary.BigEndian.Uint64(id.TraceID[8:]),
		Parent:        binary.BigEndian.Uint64(id.Parent[:]),
		Flags:         uint32(id.Flags),
		TraceState:    e.intern(id.State),
		Runner:        e.intern(root.Runner()),
		EpochUnixNano: nano,
		Node:          e.node(root.Node()),
		Span:          binary.BigEndian.Uint64(span[:]),
		LinkTraceHi:   binary.BigEndian.Uint64(id.LinkTrace[:8]),
		LinkTraceLo:   binary.BigEndian.Uint64(id.LinkTrace[8:]),
		LinkSpan:      binary.BigEndian.Uint64(id.LinkSpan[:]),
	})
	e.epochs = append(e.epochs, epoch)
	e.runners = append(e.runners, root.Runner())
	e.runs[root] = i
	return i
}

// lead fills the columns of what computed stored results, which there are only in
// batches where that is known.
func lead(t *pb.Cached, x *Extra) {
	for len(t.Span) < len(t.Event)-1 {
		t.Span, t.TraceHi, t.TraceLo = append(t.Span, 0), append(t.TraceHi, 0), append(t.TraceLo, 0)
	}
	t.Span = append(t.Span, binary.BigEndian.Uint64(x.SpanID[:]))
	t.TraceHi = append(t.TraceHi, binary.BigEndian.Uint64(x.TraceID[:8]))
	t.TraceLo = append(t.TraceLo, binary.BigEndian.Uint64(x.TraceID[8:]))
}
