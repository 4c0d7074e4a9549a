package conformance

import (
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// writer makes one batch.
type writer struct {
	b     *pb.Batch
	texts map[string]uint32
	runs  map[*run]uint32
	nodes map[[2]string]uint32
}

// batch makes a batch of all events and exports that are not in one yet.
func (s *script) batch() *pb.Batch { return s.take(len(s.events)) }

// batches makes batches of at most so many events.
func (s *script) batches(size int) (list []*pb.Batch) {
	for len(s.events) > 0 || len(s.exports) > 0 {
		list = append(list, s.take(min(size, len(s.events))))
	}
	return list
}

// take makes a batch of n events, and of the exports.
func (s *script) take(n int) *pb.Batch {
	s.seq++
	w := &writer{
		b:     &pb.Batch{Epoch: s.epoch, Seq: s.seq, Events: &pb.Events{}, Exports: s.exports},
		texts: map[string]uint32{}, runs: map[*run]uint32{}, nodes: map[[2]string]uint32{},
	}
	w.text("")
	for i := range s.events[:n] {
		s.order++
		w.event(&s.events[i], s.order)
	}
	for _, e := range s.exports {
		s.order++
		e.Order = s.order
	}
	s.events, s.exports = append([]event(nil), s.events[n:]...), nil
	return w.b
}

// text returns the index of a text.
func (w *writer) text(t string) uint32 {
	i, ok := w.texts[t]
	if !ok {
		i = uint32(len(w.b.GetStrings()))
		w.b.Strings = append(w.b.Strings, t)
		w.texts[t] = i
	}
	return i
}

func (w *writer) node(name, typ string) uint32 {
	key := [2]string{name, typ}
	i, ok := w.nodes[key]
	if !ok {
		i = uint32(len(w.b.GetNodes()))
		w.b.Nodes = append(w.b.Nodes, &pb.Node{
			Name: w.text(name), Type: w.text(typ), Signature: w.text("func(context.Context, int) (int, error)"),
			Function: w.text("main." + name), File: w.text("/src/main.go"), Line: 12, Version: w.text("1"),
		})
		w.nodes[key] = i
	}
	return i
}

func (w *writer) run(r *run) uint32 {
	i, ok := w.runs[r]
	if !ok {
		i = uint32(len(w.b.GetRuns()))
		w.b.Runs = append(w.b.Runs, &pb.Run{
			Id: w.text(r.id), TraceHi: r.row.GetTraceHi(), TraceLo: r.row.GetTraceLo(), Parent: r.row.GetParent(),
			Flags: r.row.GetFlags(), TraceState: w.text("vendor=1"), Runner: w.text("local"),
			EpochUnixNano: r.row.GetEpochUnixNano(), Node: w.node(r.name, "pipeline"), Span: r.row.GetSpan(),
			LinkTraceHi: r.row.GetLinkTraceHi(), LinkTraceLo: r.row.GetLinkTraceLo(), LinkSpan: r.row.GetLinkSpan(),
		})
		w.runs[r] = i
	}
	return i
}

func (w *writer) event(e *event, order uint64) {
	v := w.b.GetEvents()
	at := uint32(len(v.GetHook()))
	v.Hook = append(v.Hook, e.hook)
	v.Kind = append(v.Kind, e.kind)
	v.Run = append(v.Run, w.run(e.run))
	v.Node = append(v.Node, w.node(e.name, e.typ))
	v.Span = append(v.Span, e.span)
	v.Parent = append(v.Parent, e.parent)
	v.Order = append(v.Order, order)
	v.Start = append(v.Start, int64(e.start))
	v.Duration = append(v.Duration, int64(e.duration))
	v.Depth = append(v.Depth, e.depth)
	v.Index = append(v.Index, e.index)
	v.Iteration = append(v.Iteration, e.round)
	v.Attempt = append(v.Attempt, 1)
	v.Attempts = append(v.Attempts, e.attempts)
	v.Path = append(v.Path, w.text(e.around))
	v.Result = append(v.Result, e.result)
	v.Flags = append(v.Flags, e.flags|e.scope.flags)
	v.Runner = append(v.Runner, w.text(e.runner))
	v.Queued = append(v.Queued, uint64(e.queued))
	for _, add := range e.rows {
		add(w, at)
	}
}

func (w *writer) cached() *pb.Cached {
	if w.b.GetCached() == nil {
		w.b.Cached = &pb.Cached{}
	}
	return w.b.GetCached()
}

func (w *writer) attribute(at uint32, key string, typ pb.Attributes_Type, value uint64) {
	t := w.b.GetAttributes()
	if t == nil {
		t = &pb.Attributes{}
		w.b.Attributes = t
	}
	t.Event = append(t.Event, at)
	t.Key = append(t.Key, w.text(key))
	t.Type = append(t.Type, typ)
	t.Value = append(t.Value, value)
}
