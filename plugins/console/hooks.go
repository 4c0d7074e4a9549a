package console

import (
	"path"
	"strings"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// maxFailedItems is the most lines for failed items of one map, and maxRetries
	// that for failed attempts of one node.
	maxFailedItems = 5
	maxRetries     = 5
	// leastSaved is the least time that is worth a word.
	leastSaved = time.Millisecond
	// cachedWord says that a stored result was used.
	cachedWord = "cached"
)

// Hooks returns what becomes a line, and what says in which step a log record was
// made.
func (in *instance) Hooks() callbacks.Hook {
	return callbacks.HookPipelineStart | callbacks.HookPipelineEnd | callbacks.HookNodeEnd | callbacks.HookNodeCached |
		callbacks.HookNodeSkipped | callbacks.HookNodeRetry | callbacks.HookMapEnd | callbacks.HookMapItemEnd |
		callbacks.HookMapItemCached | callbacks.HookMetric | callbacks.HookNodeStart | callbacks.HookMapStart | callbacks.HookMapItemStart |
		callbacks.HookCrashed | callbacks.Times
}

// OnPipelineStart prints the header of a pipeline.
func (in *instance) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	in.begun(cc)
	if in.hidden(cc) {
		return
	}
	r := in.begin(cc)
	defer in.done()
	if b := ev.Resumed; b != nil {
		r.resumed = "resumed, start " + itoa(b.Starts+1)
		if b.TraceID != cc.TraceID() && in.verbose {
			r.resumed += ", first trace " + b.TraceID.String()
		}
	}
	in.tree.show(in.runs.scope(r, cc))
}

// OnPipelineEnd prints the last line of a pipeline.
func (in *instance) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	in.ended(cc)
	in.end(cc, ev.End, nil)
}

// OnNodeEnd prints the line of a node.
func (in *instance) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	in.ended(cc)
	var details []string
	if ev.Attempts > 1 {
		details = append(details, itoa(ev.Attempts)+" attempts")
	}
	in.end(cc, ev.End, in.looked(details, ev.Cache))
}

// looked adds why there was no stored result.
func (in *instance) looked(details []string, l *callbacks.CacheLookup) []string {
	if l == nil || !in.verbose {
		return details
	}
	why := "cache miss"
	if l.Bypass {
		why = "cache not used"
	}
	if l.Reason != "" {
		why += ": " + in.layout.message(l.Reason)
	}
	return append(details, why)
}

// OnNodeCached prints the line of a node whose stored result was used.
func (in *instance) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	in.leaf(cc, line{word: cachedWord, details: in.saved(ev.Saved, ev.Reason)})
}

// OnNodeSkipped prints the line of a step that will not run.
func (in *instance) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	in.leaf(cc, line{word: "skipped", details: []string{in.layout.message(ev.Reason)}, faint: true})
}

// OnNodeRetry prints that an attempt failed. Those of a map's items are counted.
func (in *instance) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	if in.hidden(cc) || !in.verbose && !in.countRetry(cc) {
		return
	}
	text := "attempt " + itoa(ev.Attempt) + " failed, next at once"
	if ev.Delay > 0 {
		text = "attempt " + itoa(ev.Attempt) + " failed, next in " + duration(ev.Delay)
	}
	if ev.Err != nil {
		text += ": " + in.layout.message(ev.Err.Error())
	}
	in.leaf(cc, line{word: text})
}

// countRetry says whether a failed attempt is to have a line.
func (in *instance) countRetry(cc *callbacks.CallbackContext) bool {
	r := in.begin(cc)
	defer in.done()
	if cc.Kind() == callbacks.KindMapItem {
		s, _ := in.runs.around(r, cc)
		s.retries++
		return false
	}
	n, known := r.retries[cc.SpanID()]
	if !known && len(r.retries) >= maxScopes {
		return false
	}
	r.retries[cc.SpanID()] = n + 1
	return n < maxRetries
}

// OnMapEnd prints the line of a map.
func (in *instance) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	in.ended(cc)
	var details []string
	if !in.hidden(cc) {
		details = append([]string{items(ev)}, in.ofItems(cc, ev.Failed)...)
	}
	in.end(cc, ev.End, details)
}

// items says how many items a map has, and what became of them when that is not
// one and the same for all that succeeded.
func items(ev callbacks.MapEnd) string {
	text := count(ev.Size(), "item")
	if ev.Succeeded == ev.Size() {
		return text
	}
	sep := ": "
	for _, c := range [...]struct {
		n    int
		what string
	}{{ev.Succeeded, " ok"}, {ev.Failed, " failed"}, {ev.Cached, " cached"}, {ev.Skipped, " skipped"}} {
		if c.n > 0 {
			text += sep + itoa(c.n) + c.what
			sep = ", "
		}
	}
	return text
}

// ofItems returns what is known of all items of a map together, and prints how
// many failed without a line.
func (in *instance) ofItems(cc *callbacks.CallbackContext, failed int) (details []string) {
	r := in.begin(cc)
	defer in.done()
	s := r.scopes[cc.SpanID()]
	if s == nil {
		return nil
	}
	details = in.saved(s.saved, "")
	switch {
	case s.retries == 1:
		details = append(details, "1 retry")
	case s.retries > 1:
		details = append(details, itoa(s.retries)+" retries")
	}
	if more := failed - maxFailedItems; !in.verbose && s.failedItems >= maxFailedItems && more > 0 {
		in.tree.emit(s, in.layout.note(s.head.level+1, "and "+count(more, "more failed item")))
	}
	return details
}

// OnMapItemEnd prints the line of a map item: when it failed, or when all have
// one.
func (in *instance) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	in.ended(cc)
	if !in.verbose {
		if !failed(ev.Result) || in.hidden(cc) || !in.countFailedItem(cc) {
			return
		}
	}
	var details []string
	if ev.Attempts > 1 {
		details = append(details, itoa(ev.Attempts)+" attempts")
	}
	in.end(cc, ev.End, in.looked(details, ev.Cache))
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

// OnMapItemCached prints the line of an item whose stored result was used, when
// all have one.
func (in *instance) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	if in.hidden(cc) {
		return
	}
	in.addSaved(cc, ev.Saved)
	if in.verbose {
		in.leaf(cc, line{word: cachedWord, details: in.saved(ev.Saved, ev.Reason)})
	}
}

// addSaved adds to what the stored results of a map's items saved.
func (in *instance) addSaved(cc *callbacks.CallbackContext, d time.Duration) {
	r := in.begin(cc)
	defer in.done()
	s, _ := in.runs.around(r, cc)
	s.saved += max(d, 0)
}

// saved says what a stored result saved, and where it is from.
func (in *instance) saved(d time.Duration, reason string) (details []string) {
	if d >= leastSaved {
		details = append(details, "saved "+duration(d))
	}
	switch reason {
	case "", "cache":
	case "resume":
		details = append(details, "by an earlier start")
	default:
		details = append(details, "from "+in.layout.clean(reason))
	}
	return details
}

// OnCrashed prints a line for each run whose process has died.
func (in *instance) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	if !isRoot(cc) {
		return
	}
	in.mu.Lock()
	defer in.done()
	in.tree.emit(in.tree.top, in.layout.end(line{
		name: in.layout.clean(cc.SpanName()), duration: duration(ev.Duration), word: "crashed", color: red,
		details: in.runs.ids(&run{key: keyOf(cc)}),
	}))
}

// leaf prints a line of something that has no duration and nothing inside. n has
// what is said of it.
func (in *instance) leaf(cc *callbacks.CallbackContext, n line) {
	if in.hidden(cc) {
		return
	}
	r := in.begin(cc)
	defer in.done()
	parent, lost := in.runs.around(r, cc)
	parent.rounds = max(parent.rounds, cc.Iteration())
	at := in.runs.line(parent, cc)
	n.level, n.name, n.tail, n.details = at.level, at.name, at.tail, compact(n.details)
	if n.word == cachedWord { // no other line follows
		n.details = append(n.details, in.marked(r, cc)...)
	}
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
	parent.rounds = max(parent.rounds, cc.Iteration())
	delete(r.retries, cc.SpanID())
	s := r.scopes[cc.SpanID()]
	if isRoot(cc) {
		s = r.root
	}
	n := in.runs.line(parent, cc)
	n.duration = duration(e.Duration)
	n.word, n.color = word(e.Result)
	if failed(e.Result) {
		if below := s != nil && s.failureBelow; e.Err != nil && (e.Origin || !below) {
			n.word += ": " + in.layout.message(e.Err.Error())
		}
		parent.failureBelow = true
	}
	details = append(details, in.marked(r, cc)...)
	n.details = details
	if s != nil && s.rounds > 0 && cc.Kind() == callbacks.KindNode {
		n.details = append([]string{count(s.rounds, "round")}, details...)
	}
	if isRoot(cc) {
		if s == nil || s.standsAlone() {
			n.details = append(n.details, in.runs.ids(r)...)
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
	case callbacks.ResultSkip: // it had begun: what never runs has no End
		return "stopped", ""
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

// count returns a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return itoa(n) + " " + thing + "s"
}
