package engine

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/runs"
)

// journal keeps what happens in a run, and knows what happened before. All
// methods accept a nil journal: that of a run that is not kept.
type journal struct {
	log    runs.Log
	before *callbacks.Resumed // nil: the run is new
	trace  string             // of the first start
	failed atomic.Bool
}

// open begins or continues the run in the run store.
func (r *run) open(ctx context.Context, f *frame, c *Config, root *callbacks.RunConfig) error {
	store := c.Runs
	if store == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &Error{Path: root.Pipeline.Name, Item: -1, Attempt: 1, Err: r.cause(), result: r.result(ctx.Err())}
	}
	if root.Identity.TraceID == (callbacks.TraceID{}) {
		root.Identity = callbacks.NewIdentity()
	}
	id := callbacks.NewIdentity().TraceID
	copy(root.SpanID[:], id[:])
	if root.ID == "" {
		root.ID = callbacks.NewIdentity().TraceID.String()
	}
	h := runs.Header{
		ID: root.ID, Pipeline: root.Pipeline.Name, Plan: f.plan.def.hash(),
		TraceID: root.Identity.TraceID.String(), SpanID: root.SpanID.String(),
		ParentSpanID: root.Identity.Parent.String(), Flags: root.Identity.Flags, TraceState: root.Identity.State,
		Started: time.Now(),
	}
	in := f.plan.ins[0]
	data, incomparable := encodeValue(f.columns[in.column].at(in.row), f.plan.columns[in.column].kind.typ())
	if incomparable == nil {
		h.Input = digest(data)
	}
	var kept json.RawMessage
	err := protect(func() (err error) {
		kept, err = resolved(f.plan.def, *c)
		return err
	})
	if err != nil {
		return err
	}
	h.Config = kept
	var log runs.Log
	err = protect(func() (err error) {
		log, err = store.Open(ctx, h, func(first runs.Header) error { return continues(first, h) })
		return err
	})
	if err != nil {
		return err // it names the run
	}
	first, starts := log.First()
	r.log = &journal{log: log, trace: first.TraceID}
	if starts == 0 {
		return nil
	}
	if incomparable != nil { // nor could the first, or the run would have been refused
		slog.WarnContext(ctx, "a run goes on, although its input cannot be compared with that of its first start", "run", h.ID, "reason", incomparable)
	}
	return r.log.restore(first, starts, root, c.NewTrace)
}

// continues says why a run cannot go on.
func continues(first, now runs.Header) error {
	var problem string
	switch {
	case first.Pipeline != now.Pipeline:
		problem = fmt.Sprintf("it is a run of pipeline %q, not of %q", first.Pipeline, now.Pipeline)
	case first.Plan != now.Plan:
		problem = "its pipeline has changed since"
	case first.Input != now.Input:
		problem = "its input is another"
	default:
		return nil
	}
	return fmt.Errorf("run %q cannot go on: %s; take another Config.RunID for a new run", now.ID, problem)
}

// restore gives the run the identity that it had.
func (j *journal) restore(first runs.Header, starts int, root *callbacks.RunConfig, newTrace bool) error {
	j.before = &callbacks.Resumed{Starts: starts}
	id := callbacks.Identity{Flags: first.Flags, State: first.TraceState}
	_, err := hex.Decode(id.TraceID[:], []byte(first.TraceID))
	_, err2 := hex.Decode(id.Parent[:], []byte(first.ParentSpanID))
	_, err3 := hex.Decode(j.before.SpanID[:], []byte(first.SpanID))
	if err := errors.Join(err, err2, err3); err != nil {
		return fmt.Errorf("run %q: the trace that it was in cannot be read: %w", first.ID, err)
	}
	j.before.TraceID = id.TraceID
	if !newTrace {
		root.Identity = id
	}
	return nil
}

// close ends this start of the run.
func (j *journal) close(err error) {
	if j == nil {
		return
	}
	result, message := callbacks.ResultSuccess, ""
	if err != nil {
		result, message = callbacks.ResultFailure, err.Error()
		if e, ok := errors.AsType[*Error](err); ok {
			result = e.result
		}
	}
	if failed := protect(func() error { return j.log.Close(result.String(), message) }); failed != nil {
		j.tell(failed)
	}
}

// tell logs the first time that the run could not be kept. The run goes on; what
// was not kept would run again.
func (j *journal) tell(err error) {
	if j.failed.CompareAndSwap(false, true) {
		slog.Warn("a run is not kept as it should be; if it is continued, some steps will run again", "error", err)
	}
}

// resumed returns what the run continues, or nil.
func (j *journal) resumed() *callbacks.Resumed {
	if j == nil {
		return nil
	}
	return j.before
}

// replay ends a node that an earlier start of the run has finished.
func (g *guarded) replay(w *worker) (task, bool) {
	j := w.run.log
	if j == nil || j.before == nil {
		return task{}, false
	}
	rec, ok := j.finished(g.cc.Kind().String(), g.cc.Path())
	// What was made of other inputs is worth nothing: an item that failed before
	// may have a result now.
	if !ok || rec.Key == "" || rec.Key != inputKey(g.encodedInputs()) || g.give(rec.Outputs[0]) != nil {
		return task{}, false
	}
	g.remark(&rec)
	e := cache.Entry{Cost: rec.Ended.Sub(rec.Started)}
	e.TraceID, e.SpanID = j.span(rec)
	return g.cached(w, e, "resume"), true
}

// keep records an attempt.
func (g *guarded) keep(w *worker, err error) {
	j := w.run.log
	if j == nil {
		return
	}
	rec := g.record()
	rec.Attempt, rec.Started, rec.Ended = g.attempt, g.began, g.began.Add(g.took)
	rec.Metrics = marked(g.cc)
	var why []string // the step would run again
	for i, in := range g.encodedInputs() {
		if in.err != nil {
			why = append(why, fmt.Sprintf("input %d cannot be compared: %v", i+1, in.err))
		}
		data := in.data
		if in.err != nil || len(data) > maxRecordedInput {
			data = json.RawMessage("null")
		}
		rec.Inputs = append(rec.Inputs, data)
	}
	if err == nil {
		rec.Status = callbacks.ResultSuccess.String()
		if g.spanned() {
			j.lead(&rec, g.cc.TraceID(), g.cc.SpanID())
		}
		data, err := encodeValue(g.output(), g.op.step.out.typ())
		if err != nil {
			why = append(why, "the result cannot be kept: "+err.Error())
		} else {
			rec.Outputs = []json.RawMessage{data}
		}
		rec.Message = strings.Join(why, "; ")
	} else {
		err = sound(err)
		rec.Status = g.frame.resultOf(err).String()
		rec.Message, rec.ErrorType = err.Error(), callbacks.ErrorType(err)
	}
	j.append(rec)
}

// maxRecordedInput bounds an input in an attempt record, in bytes: resuming does
// not need it.
const maxRecordedInput = 64 << 10

// keepCached records a result that came from the cache.
func (g *guarded) keepCached(w *worker, e cache.Entry) {
	if j := w.run.log; j != nil {
		rec := g.record()
		rec.Attempt, rec.Status, rec.Outputs = 1, "cached", []json.RawMessage{e.Value}
		rec.Started = time.Now()
		rec.Ended = rec.Started
		j.lead(&rec, e.TraceID, e.SpanID)
		j.append(rec)
	}
}

// lead notes the span of what computed a result.
func (j *journal) lead(rec *runs.Record, trace callbacks.TraceID, span callbacks.SpanID) {
	if !span.IsValid() {
		return
	}
	rec.SpanID = span.String()
	if id := trace.String(); id != j.trace {
		rec.TraceID = id
	}
}

// span returns what lead has noted; zeros for what cannot be read.
func (j *journal) span(rec runs.Record) (trace callbacks.TraceID, span callbacks.SpanID) {
	if !unhex(trace[:], cmp.Or(rec.TraceID, j.trace)) || !unhex(span[:], rec.SpanID) {
		return callbacks.TraceID{}, callbacks.SpanID{}
	}
	return trace, span
}

func (g *guarded) record() runs.Record {
	return runs.Record{Path: g.cc.Path(), Kind: g.cc.Kind().String(), Key: inputKey(g.encodedInputs())}
}

// finished returns the result of a scope that an earlier start has finished.
func (j *journal) finished(kind, path string) (rec runs.Record, ok bool) {
	err := protect(func() (err error) {
		rec, ok, err = j.log.Finished(kind, path)
		return err
	})
	if err != nil {
		j.tell(err)
	}
	return rec, ok && err == nil && len(rec.Outputs) == 1
}

func (j *journal) append(rec runs.Record) {
	if err := protect(func() error { return j.log.Append(rec) }); err != nil {
		j.tell(fmt.Errorf("%s %s: %w", rec.Kind, rec.Path, err))
		if rec.SpanID != "" { // the scope has ended all the same
			_ = protect(func() error { return j.log.Done(rec.SpanID) })
		}
	}
}

// branchKind is the kind of the record of what a branch chose.
const branchKind = "branch"

// decision returns what a branch chose in an earlier start of the run.
func (j *journal) decision(cc *callbacks.CallbackContext, in encoded, b *branching) (int, bool) {
	if j == nil || j.before == nil {
		return 0, false
	}
	rec, ok := j.finished(branchKind, cc.Path())
	var name string
	if !ok || rec.Key == "" || rec.Key != in.digest || json.Unmarshal(rec.Outputs[0], &name) != nil {
		return 0, false
	}
	for i, s := range b.steps {
		if s.info.Name == name {
			return i, true
		}
	}
	return 0, false
}

// decide records what a branch chose.
func (j *journal) decide(cc *callbacks.CallbackContext, in encoded, b *branching, index int) {
	if j == nil {
		return
	}
	name, _ := json.Marshal(b.steps[index].info.Name) //nolint:errchkjson // a string
	now := time.Now()
	j.append(runs.Record{
		Path: cc.Path(), Kind: branchKind, Key: in.digest, Attempt: 1, Status: callbacks.ResultSuccess.String(),
		Started: now, Ended: now, Outputs: []json.RawMessage{name},
	})
}
