package engine

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/runs"
)

// begun keeps that a scope has begun, if it will have a span: someone hears of its
// end. Should the process die before that, the next start can tell of it.
func (j *journal) begun(f *frame, cc *callbacks.CallbackContext, end callbacks.Hook) {
	if j != nil && f.wants(end) {
		j.begin(cc)
	}
}

// done keeps that such a scope has ended, once that was told: one that is told twice
// is better than one that is missing around others. What has a record of its success
// needs no other word.
func (j *journal) done(f *frame, cc *callbacks.CallbackContext, end callbacks.Hook) {
	if j != nil && f.wants(end) && isSampled(cc) {
		if err := protect(func() error { return j.log.Done(cc.SpanID().String()) }); err != nil {
			j.tell(err)
		}
	}
}

func isSampled(cc *callbacks.CallbackContext) bool { return cc.Identity().Flags&sampled != 0 }

func (j *journal) begin(cc *callbacks.CallbackContext) {
	if !isSampled(cc) {
		return
	}
	n := cc.Node()
	source := n.Source()
	s := runs.Scope{
		Kind: cc.Kind().String(), Path: cc.Path(), SpanID: cc.SpanID().String(),
		Index: cc.Index(), Iteration: cc.Iteration(), Depth: cc.Depth(), Started: cc.Start(), Runner: cc.Runner(),
		Step: runs.Step{
			Name: n.Name, Type: n.Type, Version: n.Version, Signature: n.Signature,
			Function: source.Function, File: source.File, Line: source.Line,
		},
	}
	if parent := cc.ParentSpanID(); parent.IsValid() {
		s.ParentSpanID = parent.String()
	}
	if cc.Parent() == nil {
		id := cc.Identity()
		s.TraceID, s.Flags, s.TraceState = id.TraceID.String(), id.Flags, id.State
	}
	if s.Started.IsZero() { // nobody wants times
		s.Started = time.Now()
	}
	if err := protect(func() error { return j.log.Begin(s) }); err != nil {
		j.tell(err)
	}
}

// crashes tells of what earlier starts and other runs have left open. Whether a
// callback hears of it does not depend on this run, which may not be sampled. Where
// none does the store is not asked: it would take it for told.
func (j *journal) crashes(ctx context.Context, list []callbacks.PipelineCallback) {
	if j == nil || len(list) == 0 {
		return
	}
	all := callbacks.Multi(list...)
	if callbacks.Interest(all)&callbacks.HookCrashed == 0 {
		return
	}
	var found []runs.Crash
	err := protect(func() error {
		found = j.log.Crashes(ctx)
		return nil
	})
	if err != nil {
		j.tell(err)
	}
	for _, c := range found {
		tellCrash(all, c)
	}
}

// tellCrash tells of one start: of scopes inside others first.
func tellCrash(cb callbacks.PipelineCallback, c runs.Crash) {
	scopes := map[string]*callbacks.CallbackContext{}
	var root *callbacks.CallbackContext
	var open []*callbacks.CallbackContext
	for _, s := range c.Open {
		cc := restored(c, s, root, scopes[s.ParentSpanID])
		if cc == nil {
			continue
		}
		if root == nil {
			root = cc
		}
		scopes[s.SpanID] = cc
		open = append(open, cc)
	}
	for _, cc := range slices.Backward(open) {
		cb.OnCrashed(cc, callbacks.Crashed{Duration: max(c.Alive.Sub(cc.Start()), 0)})
	}
}

// restored returns the context of a scope of a start that has died; nil when what is
// kept of it cannot be. The first one is the root. Where the scope around is not
// known, that is the root.
func restored(c runs.Crash, s runs.Scope, root, parent *callbacks.CallbackContext) *callbacks.CallbackContext {
	node := &callbacks.Node{
		Name: s.Step.Name, Type: s.Step.Type, Version: s.Step.Version, Signature: s.Step.Signature,
		Code: callbacks.Source{Function: s.Step.Function, File: s.Step.File, Line: s.Step.Line},
	}
	var span, around callbacks.SpanID
	if !unhex(span[:], s.SpanID) || !span.IsValid() {
		return nil
	}
	unhex(around[:], s.ParentSpanID)
	if root == nil {
		id := callbacks.Identity{Parent: around, Flags: s.Flags, State: s.TraceState}
		if s.Kind != callbacks.KindPipeline.String() || !unhex(id.TraceID[:], s.TraceID) {
			return nil
		}
		return callbacks.NewRun(context.Background(), callbacks.RunConfig{
			ID: c.ID, Identity: id, SpanID: span, Pipeline: node, Runner: s.Runner, Epoch: s.Started,
		})
	}
	kind := kindNamed(s.Kind)
	if kind == 0 {
		return nil
	}
	if parent == nil {
		parent = root
	}
	cc := callbacks.Restore(root, parent, callbacks.Restored{
		Scope: callbacks.Scope{
			Kind: kind, Node: node, Index: int32(s.Index), Iteration: int32(s.Iteration), Attempt: 1,
			Start: s.Started.Sub(root.Start()),
		},
		SpanID: span, ParentSpanID: parent.SpanID(), Path: s.Path, Depth: s.Depth,
	})
	if s.Runner != parent.Runner() {
		cc.Override(callbacks.Override{Runner: s.Runner})
	}
	return cc
}

// kindNamed is the reverse of Kind.String; 0 for other words.
func kindNamed(word string) callbacks.Kind {
	for k := callbacks.KindPipeline; k <= callbacks.KindMapItem; k++ {
		if k.String() == word {
			return k
		}
	}
	return 0
}

// unhex fills all of b with what the digits say.
func unhex(b []byte, digits string) bool {
	if len(digits) != hex.EncodedLen(len(b)) {
		return false
	}
	_, err := hex.Decode(b, []byte(digits))
	return err == nil
}
