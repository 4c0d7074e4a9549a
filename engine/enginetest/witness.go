package enginetest

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
)

// witness is a callback that keeps what it hears, with the values, which are
// there only during the call.
type witness struct {
	callbacktest.Recorder

	mu    sync.Mutex
	notes []note
}

// note is one hook in words.
type note struct {
	of   *callbacks.CallbackContext
	hook string
	text string
}

func (w *witness) note(cc *callbacks.CallbackContext, hook string, parts ...string) {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, note{cc, hook, strings.Join(said, " ")})
}

// everything is more than any value of a case needs.
const everything = 1 << 20

func values(v callbacks.Values) string {
	list := make([]string, v.Len())
	for i := range list {
		list[i] = v.JSON(i, everything)
	}
	return strings.Join(list, ", ")
}

var place = regexp.MustCompile(`\([^() ]+\.go:\d+\)`)

// message returns what err says, without places in source files.
func message(err error) string { return place.ReplaceAllString(err.Error(), "(file.go:N)") }

func failure(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%s %q", callbacks.ErrorType(err), message(err))
}

func ending(e callbacks.End) string {
	s := e.Result.String()
	if e.Err != nil {
		s += " " + failure(e.Err)
	}
	if e.Origin {
		s += " origin"
	}
	return s
}

func attempts(n int) string { return count("attempts", n, 1) }

func count(name string, n, usual int) string {
	if n == usual {
		return ""
	}
	return fmt.Sprintf("%s=%d", name, n)
}

func counts(c callbacks.Counts) string {
	var said []string
	for _, s := range [...]string{count("nodes", c.Nodes, -1), count("hits", c.Cached, 0), count("misses", c.Missed, 0)} {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, " ")
}

func lookup(l *callbacks.CacheLookup) string {
	switch {
	case l == nil:
		return ""
	case l.Bypass:
		return "bypass"
	default:
		return "miss"
	}
}

func (w *witness) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	w.Recorder.OnPipelineStart(cc, ev)
	w.note(cc, "start", values(ev.Inputs))
}

func (w *witness) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	w.Recorder.OnPipelineEnd(cc, ev)
	w.note(cc, "end", ending(ev.End), counts(ev.Counts), values(ev.Outputs))
}

func (w *witness) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	w.Recorder.OnNodeStart(cc, ev)
	w.note(cc, "start", lookup(ev.Cache), values(ev.Inputs))
}

func (w *witness) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	w.Recorder.OnNodeEnd(cc, ev)
	w.note(cc, "end", ending(ev.End), attempts(ev.Attempts), lookup(ev.Cache), values(ev.Outputs))
}

func (w *witness) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	w.Recorder.OnNodeCached(cc, ev)
	w.note(cc, "cached", values(ev.Outputs))
}

func (w *witness) OnNestedPipelineStart(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	w.Recorder.OnNestedPipelineStart(cc, ev)
	w.note(ev.Child, "nested")
}

func (w *witness) OnNestedPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	w.Recorder.OnNestedPipelineEnd(cc, ev)
	w.note(ev.Child, "nested-end", ev.Result.String(), counts(ev.Counts))
}

func (w *witness) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	w.Recorder.OnMapStart(cc, ev)
	w.note(cc, "start", fmt.Sprintf("size=%d", ev.Size), values(ev.Inputs))
}

func (w *witness) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	w.Recorder.OnMapEnd(cc, ev)
	w.note(cc, "end", ending(ev.End), count("ok", ev.Succeeded, 0), count("failed", ev.Failed, 0),
		count("cached", ev.Cached, 0), count("skipped", ev.Skipped, 0), values(ev.Outputs))
}

func (w *witness) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	w.Recorder.OnMapItemStart(cc, ev)
	w.note(cc, "start", lookup(ev.Cache), values(ev.Inputs))
}

func (w *witness) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	w.Recorder.OnMapItemEnd(cc, ev)
	w.note(cc, "end", ending(ev.End), attempts(ev.Attempts), lookup(ev.Cache), values(ev.Outputs))
}

func (w *witness) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	w.Recorder.OnMapItemCached(cc, ev)
	w.note(cc, "cached", values(ev.Outputs))
}

func (w *witness) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	w.Recorder.OnError(cc, ev)
	w.note(cc, "error", ev.Result.String(), failure(ev.Err))
}

func (w *witness) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	w.Recorder.OnNodeRetry(cc, ev)
	w.note(cc, "retry", fmt.Sprint(ev.Attempt), failure(ev.Err))
}

func (w *witness) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	w.Recorder.OnNodeSkipped(cc, ev)
	w.note(cc, "skipped", ev.Reason)
}

func (w *witness) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	w.Recorder.OnMetric(cc, ev)
	w.note(cc, "metric", fmt.Sprintf("%s=%v", ev.Name, ev.Value))
}

func (w *witness) OnEmit(cc *callbacks.CallbackContext, ev callbacks.Emit) {
	w.Recorder.OnEmit(cc, ev)
	chunk, ok := ev.Value.Shared(0).(string)
	if !ok {
		chunk = values(ev.Value)
	}
	w.note(cc, "emit", chunk)
}
