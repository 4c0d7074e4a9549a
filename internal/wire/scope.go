package wire

import (
	"context"
	"encoding/binary"
	"math"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// The bounds of what a decoder remembers. A lost End leaves its scope behind
// until the run ends, and a lost end of a run until many others have begun.
const (
	maxOpen  = 100_000
	maxRuns  = 4096
	maxNodes = 16_384
)

// runState is a run that is not known to have ended.
type runState struct {
	root *callbacks.CallbackContext
	open map[uint64]*callbacks.CallbackContext
}

// runKey tells starts of runs apart: a run that goes on has the id that it had.
type runKey struct {
	id   string
	span uint64 // of the root
}

func keyOf(b *pb.Batch, i uint32) runKey {
	r := b.GetRuns()[i]
	return runKey{b.GetStrings()[r.GetId()], r.GetSpan()}
}

// nodeKey is a node by what it says, which is the same in every batch.
type nodeKey struct {
	name, typ, version, signature, function, file string
	line                                          uint32
}

// run returns the state of a run, which it begins when it is new.
func (d *Decoder) run(b *pb.Batch, i uint32) *runState {
	key := keyOf(b, i)
	if s := d.runs[key]; s != nil {
		return s
	}
	r := b.GetRuns()[i]
	for len(d.order) >= maxRuns {
		d.forget(d.order[0])
	}
	identity := callbacks.Identity{
		TraceID:   traceID(r.GetTraceHi(), r.GetTraceLo()),
		Parent:    spanID(r.GetParent()),
		Flags:     byte(r.GetFlags()),
		State:     b.GetStrings()[r.GetTraceState()],
		LinkTrace: traceID(r.GetLinkTraceHi(), r.GetLinkTraceLo()),
		LinkSpan:  spanID(r.GetLinkSpan()),
	}
	c := callbacks.RunConfig{
		ID:       key.id,
		Identity: identity,
		SpanID:   spanID(r.GetSpan()),
		Pipeline: d.node(b, r.GetNode()),
		Runner:   b.GetStrings()[r.GetRunner()],
	}
	if n := r.GetEpochUnixNano(); n != 0 {
		c.Epoch = time.Unix(0, n)
	}
	s := &runState{root: callbacks.NewRun(context.Background(), c), open: map[uint64]*callbacks.CallbackContext{}}
	d.runs[key] = s
	d.order = append(d.order, key)
	return s
}

// forget ends the state of a run.
func (d *Decoder) forget(key runKey) {
	s := d.runs[key]
	if s == nil {
		return
	}
	d.open -= len(s.open)
	delete(d.runs, key)
	for i, o := range d.order {
		if o == key {
			d.order = append(d.order[:i], d.order[i+1:]...)
			break
		}
	}
}

// node returns the node, the same for the same step in all batches.
func (d *Decoder) node(b *pb.Batch, i uint32) *callbacks.Node {
	if n := d.batchNodes[i]; n != nil {
		return n
	}
	w, strs := b.GetNodes()[i], b.GetStrings()
	key := nodeKey{
		strs[w.GetName()], strs[w.GetType()], strs[w.GetVersion()], strs[w.GetSignature()],
		strs[w.GetFunction()], strs[w.GetFile()], w.GetLine(),
	}
	n := d.nodes[key]
	if n == nil {
		if len(d.nodes) >= maxNodes {
			clear(d.nodes)
		}
		n = &callbacks.Node{
			Name: key.name, Type: key.typ, Version: key.version, Signature: key.signature,
			Code: callbacks.Source{Function: key.function, File: key.file, Line: int(key.line)},
		}
		d.nodes[key] = n
	}
	d.batchNodes[i] = n
	return n
}

// scope returns the context of the i-th event's scope: the one that was made
// at its start, or a new one.
func (d *Decoder) scope(b *pb.Batch, s *runState, i int) *callbacks.CallbackContext {
	ev := b.GetEvents()
	if cc := s.open[ev.Span[i]]; cc != nil {
		return cc
	}
	root := s.root.SpanID()
	rootSpan := binary.BigEndian.Uint64(root[:])
	if ev.Span[i] == rootSpan {
		return s.root
	}
	parent := s.open[ev.Parent[i]]
	if parent == nil && ev.Parent[i] == rootSpan {
		parent = s.root
	}
	around := s.root
	if parent != nil {
		around = parent
	}
	cc := callbacks.Restore(s.root, parent, callbacks.Restored{
		Scope: callbacks.Scope{
			Kind:      callbacks.Kind(ev.Kind[i]),
			Node:      d.node(b, ev.Node[i]),
			Index:     ev.Index[i],
			Iteration: int32(ev.Iteration[i]),
			Attempt:   uint16(ev.Attempt[i]),
			Start:     time.Duration(ev.Start[i]),
		},
		Queued:       queued(ev, i),
		SpanID:       spanID(ev.Span[i]),
		ParentSpanID: spanID(ev.Parent[i]),
		Path:         d.path(b, i),
		Depth:        int(ev.Depth[i]),
	})
	if name := runner(b, i); name != around.Runner() {
		cc.Override(callbacks.Override{Runner: name})
	}
	return cc
}

// queued returns how long the i-th event's scope waited for a worker.
func queued(ev *pb.Events, i int) time.Duration {
	if q := ev.GetQueued(); len(q) > 0 {
		return time.Duration(min(q[i], math.MaxInt64))
	}
	return 0
}

// runner returns what executes the i-th event's scope.
func runner(b *pb.Batch, i int) string {
	ev := b.GetEvents()
	if own := ev.GetRunner(); len(own) > 0 && own[i] != 0 {
		return b.GetStrings()[own[i]]
	}
	return b.GetStrings()[b.GetRuns()[ev.GetRun()[i]].GetRunner()]
}

// start remembers an open scope.
func (d *Decoder) start(s *runState, span uint64, cc *callbacks.CallbackContext) {
	if cc == s.root {
		return
	}
	if _, ok := s.open[span]; !ok {
		if d.open >= maxOpen {
			d.Evicted++
			return
		}
		d.open++
	}
	s.open[span] = cc
}

// end forgets an open scope.
func (d *Decoder) end(s *runState, span uint64) {
	if _, ok := s.open[span]; ok {
		delete(s.open, span)
		d.open--
	}
}

func traceID(hi, lo uint64) callbacks.TraceID {
	var t callbacks.TraceID
	binary.BigEndian.PutUint64(t[:8], hi)
	binary.BigEndian.PutUint64(t[8:], lo)
	return t
}

func spanID(n uint64) callbacks.SpanID {
	var s callbacks.SpanID
	binary.BigEndian.PutUint64(s[:], n)
	return s
}
