package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// line is what is written of an event. A span has one, its end: what happens twice is
// the same line twice.
type line struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Run      string    `json:"run"`
	Trace    string    `json:"trace_id"`
	Span     string    `json:"span_id"`
	Parent   string    `json:"parent_span_id,omitzero"`
	Path     string    `json:"path"`
	Seconds  float64   `json:"duration_s,omitzero"`
	Result   string    `json:"result,omitzero"`
	Attempts int       `json:"attempts,omitzero"`
	Reason   string    `json:"reason,omitzero"`
	Error    string    `json:"error,omitzero"`
}

// lines makes lines of hooks, and has them written by Flush. Hooks and Flush are called
// by one goroutine at a time.
type lines struct {
	callbacks.Base

	to   *file
	made [][]byte
}

// Hooks implements callbacks.PipelineCallback's choice: the ends of spans.
func (l *lines) Hooks() callbacks.Hook {
	return callbacks.HookPipelineEnd | callbacks.HookNodeEnd | callbacks.HookNodeCached | callbacks.HookNodeRetry |
		callbacks.HookMapEnd | callbacks.HookMapItemEnd | callbacks.HookMapItemCached | callbacks.Times
}

// OnPipelineEnd is called for runs, and for pipelines inside them.
func (l *lines) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	l.end(cc, "pipeline_end", ev.End, 0)
}

// OnNodeEnd implements callbacks.PipelineCallback, as those below.
func (l *lines) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	l.end(cc, "node_end", ev.End, ev.Attempts)
}

// OnNodeCached stands in for the end of a node.
func (l *lines) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	l.add(cc, line{Event: "node_cached", Reason: ev.Reason})
}

// OnNodeRetry says that a node failed, and is tried again.
func (l *lines) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	l.add(cc, line{Event: "node_retry", Attempts: ev.Attempt, Seconds: ev.Duration.Seconds(), Error: text(ev.Err)})
}

// OnMapEnd is called after the ends of the map's items.
func (l *lines) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	l.end(cc, "map_end", ev.End, 0)
}

// OnMapItemEnd is called for each item of a map.
func (l *lines) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	l.end(cc, "item_end", ev.End, ev.Attempts)
}

// OnMapItemCached stands in for the end of an item.
func (l *lines) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	l.add(cc, line{Event: "item_cached", Reason: ev.Reason})
}

func (l *lines) end(cc *callbacks.CallbackContext, event string, ev callbacks.End, attempts int) {
	l.add(cc, line{
		Event: event, Seconds: ev.Duration.Seconds(), Result: ev.Result.String(), Attempts: attempts, Error: text(ev.Err),
	})
}

func (l *lines) add(cc *callbacks.CallbackContext, made line) {
	made.Time, made.Run, made.Path = cc.Start().UTC(), cc.RunID(), cc.Path()
	made.Trace, made.Span = cc.TraceID().String(), cc.SpanID().String()
	if p := cc.ParentSpanID(); p != (callbacks.SpanID{}) {
		made.Parent = p.String()
	}
	data, err := json.Marshal(made)
	if err != nil {
		return // a struct of texts and numbers has JSON
	}
	l.made = append(l.made, append(data, '\n'))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Flush writes what was made since the last Flush. Nil says that it may be
// acknowledged; after an error it counts as lost, and is not tried again.
func (l *lines) Flush(ctx context.Context) error {
	made := l.made
	l.made = nil
	return l.to.write(ctx, made)
}

// Close implements backend.Instance.
func (l *lines) Close(ctx context.Context) error {
	err := l.Flush(ctx)
	if e := l.to.close(); err == nil {
		err = e
	}
	return err
}
