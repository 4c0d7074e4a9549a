//go:build unix

package e2e

import (
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/jaegertest"
)

const ownScope = "github.com/spanloom/spanloom"

// span is what the hooks and servers must agree on.
type span struct {
	Name, Trace, Parent, Kind string
	Status                    string // code, and the message
	Start, End                int64
	Result                    any
	Exceptions                int
	Scope                     string
}

// firstAttempt is the key of the first attempt of a node or an item: nobody is told
// its id.
func firstAttempt(parent string) string { return "first attempt of " + parent }

// said returns the spans that the hooks speak of, and those that the nodes opened,
// by id.
func (s *shop) said(t *testing.T) map[string]span {
	t.Helper()
	spans := map[string]span{}
	retried := map[string]callbacks.NodeRetry{} // the last one, by node
	for _, ev := range s.hooks.Events() {
		cc := ev.Context
		id := cc.SpanID().String()
		attempt := func(number int, start, end time.Duration, result callbacks.Result, err error) {
			one := span{
				Name: "attempt " + cc.Name(), Trace: cc.TraceID().String(), Parent: id, Kind: "internal", Scope: ownScope,
				Start: cc.Start().Add(start).UnixNano(), End: cc.Start().Add(max(end, start+1)).UnixNano(),
			}
			one.Status = status(callbacks.End{Result: result, Err: err})
			key := firstAttempt(id)
			if number > 1 {
				key = s.attempts[id][number]
			}
			spans[key] = one
		}
		add := func(e callbacks.End, attempts int) {
			one := span{
				Name: cc.SpanName(), Trace: cc.TraceID().String(), Kind: "internal", Scope: ownScope,
				Start: cc.Start().UnixNano(), End: cc.Start().Add(max(e.Duration, 1)).UnixNano(), // no span is of no time
				Status: status(e), Result: e.Result.String(),
			}
			if cc.Parent() == nil {
				one.Kind = "server"
			}
			if p := cc.ParentSpanID(); p.IsValid() {
				one.Parent = p.String()
			}
			if e.Origin {
				one.Exceptions = 1
			}
			spans[id] = one
			if r, ok := retried[id]; ok {
				attempt(attempts, min(r.Start+r.Duration+r.Delay, e.Duration), e.Duration, e.Result, e.Err)
			}
		}
		switch e := ev.Event.(type) {
		case callbacks.NodeRetry:
			attempt(e.Attempt, e.Start, e.Start+e.Duration, callbacks.ResultFailure, e.Err)
			retried[id] = e
		case callbacks.PipelineEnd:
			add(e.End, 0)
		case callbacks.NodeEnd:
			add(e.End, e.Attempts)
		case callbacks.MapEnd:
			add(e.End, 0)
		case callbacks.MapItemEnd:
			add(e.End, e.Attempts)
		case callbacks.NodeCached, callbacks.MapItemCached:
			add(callbacks.End{Result: callbacks.ResultSuccess}, 0)
		}
	}
	maps.Copy(spans, s.spans)
	return spans
}

// status is that of a span: an error's text is cut at 256 characters.
func status(e callbacks.End) string {
	switch e.Result {
	case callbacks.ResultFailure, callbacks.ResultError, callbacks.ResultTimeout:
		return "Error " + cut(e.Err.Error())
	default:
		return "Unset"
	}
}

// cut is how a text of more than 256 characters is shown: its beginning counts.
func cut(text string) string {
	if r := []rune(text); len(r) > 250 {
		return string(r[:250]) + "…"
	}
	return text
}

// traces returns the ids of the traces of runs.
func traces(events []callbacktest.Event) (list []string) {
	for _, ev := range events {
		if ev.Hook == callbacks.HookPipelineStart && ev.Context.Parent() == nil {
			list = append(list, ev.Context.TraceID().String())
		}
	}
	return list
}

// byID adds a span as a server has it.
func byID(t *testing.T, spans map[string]span, id string, number any, one span) {
	t.Helper()
	if number == int64(1) {
		id = firstAttempt(one.Parent)
	}
	if _, twice := spans[id]; twice {
		t.Errorf("span %s is there twice", id)
	}
	if code, message, ok := strings.Cut(one.Status, " "); ok && message != "" {
		one.Status = code + " " + cut(message)
	} else {
		one.Status = code
	}
	spans[id] = one
}

// lengthened returns the spans as Jaeger stores them: one that ends when it begins,
// as that of a stored result does, gets a nanosecond
// (internal/jptrace/sanitizer/negative_duration_santizer.go in its tree).
func lengthened(spans map[string]span) map[string]span {
	all := map[string]span{}
	for id, one := range spans {
		one.End = max(one.End, one.Start+1)
		all[id] = one
	}
	return all
}

// inJaeger returns the spans that Jaeger has of the traces of some.
func inJaeger(t *testing.T, server *jaegertest.Server, want map[string]span) map[string]span {
	t.Helper()
	sizes := map[string]int{}
	for _, one := range want {
		sizes[one.Trace]++
	}
	spans := map[string]span{}
	for trace, size := range sizes {
		for _, j := range server.WaitTrace(t, trace, size) {
			one := span{
				Name: j.Name, Trace: j.TraceID, Parent: j.ParentSpanID, Kind: j.Kind.String(), Scope: j.ScopeName,
				Status: j.StatusCode.String() + " " + j.StatusMessage,
				Start:  j.Start.UnixNano(), End: j.End.UnixNano(), Result: j.Attributes["spanloom.result"],
			}
			for _, e := range j.Events {
				if e.Name == "exception" {
					one.Exceptions++
				}
			}
			byID(t, spans, j.SpanID, j.Attributes["spanloom.attempt.number"], one)
		}
	}
	return spans
}

// inOTLP returns the spans that came in OTLP.
func inOTLP(t *testing.T, list []*tracepb.ResourceSpans) map[string]span {
	t.Helper()
	spans := map[string]span{}
	for _, r := range list {
		for _, scope := range r.GetScopeSpans() {
			for _, o := range scope.GetSpans() {
				one := span{
					Name: o.GetName(), Trace: hex.EncodeToString(o.GetTraceId()), Parent: hex.EncodeToString(o.GetParentSpanId()),
					Kind:  strings.ToLower(strings.TrimPrefix(o.GetKind().String(), "SPAN_KIND_")),
					Scope: scope.GetScope().GetName(), Start: int64(o.GetStartTimeUnixNano()), End: int64(o.GetEndTimeUnixNano()),
				}
				code := map[tracepb.Status_StatusCode]string{1: "Ok", 2: "Error"}[o.GetStatus().GetCode()]
				if code == "" {
					code = "Unset"
				}
				one.Status = fmt.Sprint(code, " ", o.GetStatus().GetMessage())
				var number any
				for _, kv := range o.GetAttributes() {
					switch kv.GetKey() {
					case "spanloom.result":
						one.Result = kv.GetValue().GetStringValue()
					case "spanloom.attempt.number":
						number = kv.GetValue().GetIntValue()
					}
				}
				for _, e := range o.GetEvents() {
					if e.GetName() == "exception" {
						one.Exceptions++
					}
				}
				byID(t, spans, hex.EncodeToString(o.GetSpanId()), number, one)
			}
		}
	}
	return spans
}
