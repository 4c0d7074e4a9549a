package hooktest

import (
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
)

// Lines renders recorded events, with everything that crosses to a backend, so
// that what two listeners heard can be compared. Times are left out of what is
// not an End.
func Lines(events []callbacktest.Event) []string {
	var lines []string
	for _, e := range events {
		lines = append(lines, Line(e))
	}
	return lines
}

// Line renders one event.
func Line(e callbacktest.Event) string {
	cc := e.Context
	s := fmt.Sprintf("%s %s", e.Hook, place(cc))
	switch ev := e.Event.(type) {
	case callbacks.PipelineStart:
		if r := ev.Resumed; r != nil {
			s += fmt.Sprintf(" resumed=%d %s %s", r.Starts, r.TraceID, r.SpanID)
		}
	case callbacks.PipelineEnd:
		s += end(ev.End) + fmt.Sprint(" ", ev.Counts)
	case callbacks.NodeStart:
		s += lookup(ev.Cache)
	case callbacks.NodeEnd:
		s += end(ev.End) + fmt.Sprint(" attempts=", ev.Attempts) + lookup(ev.Cache)
	case callbacks.NodeCached:
		s += fmt.Sprint(" ", ev.Signature, ev.Saved, ev.Reason, " ", ev.Tier, ev.Size) + from(ev.TraceID, ev.SpanID)
	case callbacks.NestedPipelineStart:
		s = fmt.Sprintf("%s child %s", e.Hook, place(ev.Child))
	case callbacks.NestedPipelineEnd:
		s = fmt.Sprintf("%s child %s", e.Hook, place(ev.Child)) + end(ev.End) + fmt.Sprint(" ", ev.Counts)
	case callbacks.MapStart:
		s += fmt.Sprint(" ", ev.Size, ev.Concurrency)
	case callbacks.MapEnd:
		s += end(ev.End) + fmt.Sprint(" ", ev.Succeeded, ev.Failed, ev.Cached, ev.Skipped, ev.Concurrency)
	case callbacks.MapItemStart:
		s += lookup(ev.Cache) + label(ev.Label)
	case callbacks.MapItemEnd:
		s += end(ev.End) + fmt.Sprint(" attempts=", ev.Attempts) + lookup(ev.Cache) + label(ev.Label)
	case callbacks.MapItemCached:
		s += fmt.Sprint(" ", ev.Signature, ev.Saved, ev.Reason, " ", ev.Tier, ev.Size) + from(ev.TraceID, ev.SpanID) + label(ev.Label)
	case callbacks.Failure:
		s += fmt.Sprint(" ", ev.Result, errText(ev.Err))
	case callbacks.NodeRetry:
		s += fmt.Sprint(" ", ev.Attempt, ev.Start+ev.Duration, ev.Duration, ev.Delay, errText(ev.Err))
	case callbacks.Crashed:
		s += fmt.Sprint(" ", ev.Duration)
	case callbacks.NodeSkipped:
		s += " " + ev.Reason
	case callbacks.Metric:
		s += fmt.Sprintf(" %s=%v at %s replayed=%t", ev.Name, ev.Value, ev.At, ev.Replayed)
	}
	return s
}

func place(cc *callbacks.CallbackContext) string {
	n := cc.Node()
	return fmt.Sprintf("%s path=%s run=%s runner=%s trace=%s span=%s parent=%s id=%v node=%s/%s/%s/%s/%v depth=%d index=%d iter=%d attempt=%d start=%d queued=%s",
		cc.Kind(), cc.Path(), cc.RunID(), cc.Runner(), cc.TraceID(), cc.SpanID(), cc.ParentSpanID(),
		cc.Identity(), n.Name, n.Type, n.Version, n.Signature, n.Source(), cc.Depth(), cc.Index(), cc.Iteration(), cc.Attempt(), cc.Start().UnixNano(), cc.Queued())
}

func end(e callbacks.End) string {
	return fmt.Sprintf(" %s %s origin=%t %s", e.Duration, e.Result, e.Origin, errText(e.Err))
}

func from(trace callbacks.TraceID, span callbacks.SpanID) string {
	if !span.IsValid() {
		return ""
	}
	return fmt.Sprintf(" from=%s/%s", trace, span)
}

func label(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" label=%q", text)
}

func lookup(l *callbacks.CacheLookup) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(" lookup=%+v", *l)
}

func errText(err error) string {
	if err == nil {
		return "-"
	}
	stack := ""
	for inner := err; inner != nil; {
		if s, ok := inner.(interface{ Stack() string }); ok {
			stack = s.Stack()
			break
		}
		w, ok := inner.(interface{ Unwrap() error })
		if !ok {
			break
		}
		inner = w.Unwrap()
	}
	return fmt.Sprintf("%q %s %q", err, callbacks.ErrorType(err), stack)
}
