package console

import (
	"strconv"

	"github.com/spanloom/spanloom/callbacks"
)

// maxMarks is the most values on the line of a step.
const maxMarks = 5

// mark is the latest value that a step has marked under a name.
type mark struct {
	name  string
	value float64
}

// OnMetric keeps a value for the line of its step, if there will be one.
func (in *instance) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	if in.hidden(cc) || cc.Kind() == callbacks.KindMapItem && !in.verbose {
		return
	}
	r := in.begin(cc)
	defer in.done()
	list, known := r.marks[cc.SpanID()]
	for i := range list {
		if list[i].name == ev.Name {
			list[i].value = ev.Value
			return
		}
	}
	if !known && len(r.marks) >= maxScopes {
		return
	}
	if r.marks == nil {
		r.marks = map[callbacks.SpanID][]mark{}
	}
	if len(list) <= maxMarks { // one more, to tell that there are more
		r.marks[cc.SpanID()] = append(list, mark{ev.Name, ev.Value})
	}
}

// marked takes the values of cc's step, in the order in which they first came.
func (in *instance) marked(r *run, cc *callbacks.CallbackContext) (details []string) {
	list := r.marks[cc.SpanID()]
	delete(r.marks, cc.SpanID())
	for i, m := range list {
		if i == maxMarks {
			return append(details, "more values")
		}
		details = append(details, in.layout.clean(m.name)+"="+strconv.FormatFloat(m.value, 'g', 6, 64))
	}
	return details
}
