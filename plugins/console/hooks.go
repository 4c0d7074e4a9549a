package console

import (
	"path"
	"strings"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// maxFailedItems is the most lines for failed items of one map.
const maxFailedItems = 5

// Hooks returns what becomes a line.
func (in *instance) Hooks() callbacks.Hook {
	h := callbacks.HookPipelineStart | callbacks.HookPipelineEnd | callbacks.HookNodeEnd | callbacks.HookNodeCached |
		callbacks.HookNodeSkipped | callbacks.HookMapEnd | callbacks.HookMapItemEnd | callbacks.Times
	if in.verbose {
		h |= callbacks.HookMapItemCached | callbacks.HookNodeRetry
	}
	return h
}

// OnPipelineStart prints the header of a pipeline.
func (in *instance) OnPipelineStart(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
	if in.hidden(cc) {
		return
	}
	r := in.begin(cc)
	defer in.done()
	in.tree.show(in.runs.scope(r, cc))
}

// OnPipelineEnd prints the last line of a pipeline.
func (in *instance) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	in.end(cc, ev.End, nil)
}

// OnNodeEnd prints the line of a node.
func (in *instance) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	var details []string
	if ev.Attempts > 1 {
		details = append(details, itoa(ev.Attempts)+" attempts")
	}
	in.end(cc, ev.End, details)
}

// OnNodeCached prints the line of a node whose stored result was used.
func (in *instance) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	in.leaf(cc, "cached", in.saved(ev.Saved, ev.Reason))
}

// OnNodeSkipped prints the line of a node that will not run.
func (in *instance) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	in.leaf(cc, "skipped", []string{ev.Reason})
}

// OnNodeRetry prints that an attempt failed.
func (in *instance) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	details := []string{"attempt " + itoa(ev.Attempt)}
	if ev.Delay > 0 {
		details = append(details, "next in "+duration(ev.Delay))
	}
	if ev.Err != nil {
		details = append(details, in.layout.message(ev.Err.Error()))
	}
	in.leaf(cc, "retry", details)
}

// OnMapEnd prints the line of a map.
func (in *instance) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	items := itoa(ev.Size()) + " items"
	if ev.Size() == 1 {
		items = "1 item"
	}
	for _, c := range [...]struct {
		n    int
		what string
	}{{ev.Failed, " failed"}, {ev.Cached, " cached"}, {ev.Skipped, " skipped"}} {
		if c.n > 0 {
			items += ", " + itoa(c.n) + c.what
		}
	}
	if !in.hidden(cc) && !in.verbose {
		in.moreFailedItems(cc, ev.Failed)
	}
	in.end(cc, ev.End, []string{items})
}

// moreFailedItems prints how many items of a map failed without a line.
func (in *instance) moreFailedItems(cc *callbacks.CallbackContext, failed int) {
	r := in.begin(cc)
	defer in.done()
	s := r.scopes[cc.SpanID()]
	if s == nil || s.failedItems < maxFailedItems || failed <= maxFailedItems {
		return
	}
	more := failed - maxFailedItems
	text := itoa(more) + " more failed items"
	if more == 1 {
		text = "1 more failed item"
	}
	in.tree.emit(s, in.layout.note(s.head.level+1, "and "+text))
}

// OnMapItemEnd prints the line of a map item: when it failed, or when all have
// one.
func (in *instance) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	if !in.verbose {
		if !failed(ev.Result) || in.hidden(cc) || !in.countFailedItem(cc) {
			return
		}
	}
	in.end(cc, ev.End, nil)
}

// countFailedItem says whether a failed item is to have a line.
func (in *instance) countFailedItem(cc *callbacks.CallbackContext) bool {
	r := in.begin(cc)
	defer in.done()
	s, _ := in.runs.around(r, cc)
	s.failureBelow = true
	s.failedItems++
	return s.failedItems <= maxFailedItems
}

// OnMapItemCached prints the line of an item whose stored result was used.
func (in *instance) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	in.leaf(cc, "cached", in.saved(ev.Saved, ev.Reason))
}

func (in *instance) saved(d time.Duration, reason string) []string {
	var details []string
	if in.verbose && d > 0 {
		details = append(details, "saved "+duration(d))
	}
	if reason != "" && reason != "cache" {
		details = append(details, "from "+in.layout.clean(reason))
	}
	return details
}

// leaf prints a line of something that has no duration and nothing inside.
func (in *instance) leaf(cc *callbacks.CallbackContext, word string, details []string) {
	if in.hidden(cc) {
		return
	}
	r := in.begin(cc)
	defer in.done()
	parent, lost := in.runs.around(r, cc)
	for i, d := range details {
		details[i] = in.layout.clean(d)
	}
	n := line{level: parent.head.level + 1, name: in.runs.name(cc), word: word, details: compact(details)}
	in.tree.emit(parent, in.layout.end(in.more(n, cc, lost)))
}

// end prints the last line of cc's scope.
func (in *instance) end(cc *callbacks.CallbackContext, e callbacks.End, details []string) {
	if in.hidden(cc) {
		return
	}
	r := in.begin(cc)
	defer in.done()
	parent, lost := in.runs.around(r, cc)
	s := r.scopes[cc.SpanID()]
	if isRoot(cc) {
		s = r.root
	}
	n := line{level: parent.head.level + 1, name: in.runs.name(cc), duration: duration(e.Duration)}
	n.word, n.color = word(e.Result)
	if failed(e.Result) {
		if below := s != nil && s.failureBelow; e.Err != nil && (e.Origin || !below) {
			n.word += ": " + in.layout.message(e.Err.Error())
		}
		parent.failureBelow = true
	}
	n.details = details
	if isRoot(cc) {
		if s == nil || s.standsAlone() {
			n.details = append(n.details, in.runs.ids(r.key)...)
		}
		in.runs.end(r, in.layout.end(n))
		return
	}
	text := in.layout.end(in.more(n, cc, lost))
	if s == nil {
		in.tree.emit(parent, text)
		return
	}
	delete(r.scopes, cc.SpanID())
	in.tree.close(s, text)
}

// more adds the details that are not always printed.
func (in *instance) more(n line, cc *callbacks.CallbackContext, lost bool) line {
	if lost { // it does not stand where it belongs
		n.details = append(n.details, "at "+in.layout.clean(cc.Path()))
	}
	if !in.verbose {
		return n
	}
	if cc.Kind() != callbacks.KindMapItem {
		if f := cc.Node().Source().Function; f != "" {
			n.details = append(n.details, in.layout.clean(path.Base(f)))
		}
	}
	n.details = append(n.details, "span "+cc.SpanID().String())
	return n
}

// hidden says whether cc is inside a map item, and is not printed.
func (in *instance) hidden(cc *callbacks.CallbackContext) bool {
	if in.verbose {
		return false
	}
	for p := cc.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == callbacks.KindMapItem {
			return true
		}
		if unknown(p) {
			at := cc.Path()
			return strings.Contains(at, "]/") || cc.Kind() == callbacks.KindPipeline && strings.HasSuffix(at, "]")
		}
	}
	return false
}

func failed(r callbacks.Result) bool {
	return r == callbacks.ResultFailure || r == callbacks.ResultError || r == callbacks.ResultTimeout
}

// word returns how something ended, and the colour of that.
func word(r callbacks.Result) (word, color string) {
	switch r {
	case callbacks.ResultSuccess:
		return "ok", green
	case callbacks.ResultFailure:
		return "failed", red
	case callbacks.ResultError, callbacks.ResultTimeout:
		return r.String(), red
	case callbacks.ResultCancellation:
		return "cancelled", ""
	case callbacks.ResultSkip:
		return "skipped", ""
	default:
		return r.String(), ""
	}
}

// compact returns the texts that are not empty.
func compact(texts []string) []string {
	var list []string
	for _, s := range texts {
		if s != "" {
			list = append(list, s)
		}
	}
	return list
}
