package logs

import (
	"context"
	"encoding/hex"
	"log/slog"

	slogotel "github.com/samber/slog-otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// place is where a record belongs: in a run, in a span, both or neither.
type place struct {
	ctx context.Context
	cc  *callbacks.CallbackContext
	// span is valid when code opened it, in the node or outside of any run. The
	// span of the node itself is cc's: it need not be in ctx, nor record.
	span trace.SpanContext
}

// placeOf finds out where ctx belongs.
func placeOf(ctx context.Context) place {
	if ctx == nil {
		return place{}
	}
	p := place{ctx: ctx, cc: callbacks.FromContext(ctx)}
	if p.cc != nil && ctx == context.Context(p.cc) {
		return p
	}
	span := trace.SpanContextFromContext(ctx)
	if p.cc != nil && span.IsValid() {
		// What is found in the node's own context is the node's span, or in a run
		// that did not join the trace around it, one from outside.
		around := trace.SpanContextFromContext(p.cc)
		if around.SpanID() == span.SpanID() && around.TraceID() == span.TraceID() {
			return p
		}
	}
	p.span = span
	return p
}

// unknown reports whether there is nothing to say.
func (p place) unknown() bool { return p.cc == nil && !p.span.IsValid() }

// extract returns the ids of a span that records. Its groups must be nil: others
// hold for the first record only, and race.
var extract = slogotel.ExtractOtelAttrFromContext(nil, keyTraceID, keySpanID)

// appendTo appends the fields, except those to skip.
func (p place) appendTo(list []slog.Attr, skip fields) []slog.Attr {
	if skip&fieldIDs != fieldIDs {
		list = p.appendIDs(list, skip)
	}
	if p.cc == nil {
		return list
	}
	cc, kind := p.cc, p.cc.Kind()
	if skip&fieldRunID == 0 {
		list = append(list, slog.String(keyRunID, cc.RunID()))
	}
	if around := pipelineAround(cc); around != nil && skip&fieldPipelineName == 0 {
		list = append(list, slog.String(keyPipelineName, around.Name()))
	}
	if skip&fieldPath == 0 {
		list = append(list, slog.String(keyPath, cc.Path()))
	}
	if kind != callbacks.KindPipeline && skip&fieldNodeName == 0 {
		list = append(list, slog.String(keyNodeName, cc.Name()))
	}
	if skip&fieldDepth == 0 {
		list = append(list, slog.Int(keyDepth, cc.Depth()))
	}
	if i := itemAround(cc); i >= 0 && skip&fieldMapIndex == 0 {
		list = append(list, slog.Int(keyMapIndex, i))
	}
	if kind != callbacks.KindPipeline && kind != callbacks.KindMap && skip&fieldAttemptNumber == 0 {
		list = append(list, slog.Int(keyAttemptNumber, cc.Attempt()))
	}
	return list
}

// pipelineAround is CallbackContext.Pipeline for a context whose ancestors need
// not be known.
func pipelineAround(cc *callbacks.CallbackContext) *callbacks.CallbackContext {
	for cc != nil && cc.Kind() != callbacks.KindPipeline {
		cc = cc.Parent()
	}
	return cc
}

// itemAround returns the index of the innermost map item that cc is in, or -1.
func itemAround(cc *callbacks.CallbackContext) int {
	for ; cc != nil; cc = cc.Parent() {
		if cc.Kind() == callbacks.KindMapItem {
			return cc.Index()
		}
	}
	return -1
}

func (p place) appendIDs(list []slog.Attr, skip fields) []slog.Attr {
	if p.span.IsValid() {
		if found := extract(p.ctx); len(found) > 0 {
			for _, a := range found {
				if skip&fieldOf(a.Key) == 0 {
					list = append(list, a)
				}
			}
			skip |= fieldTraceID | fieldSpanID
		}
		return appendHex(list, p.span.TraceID(), p.span.SpanID(), byte(p.span.TraceFlags()), skip)
	}
	id := p.cc.Identity()
	return appendHex(list, [16]byte(id.TraceID), [8]byte(p.cc.SpanID()), id.Flags, skip)
}

// appendHex appends ids, all of which share one string.
func appendHex(list []slog.Attr, traceID [16]byte, spanID [8]byte, flags byte, skip fields) []slog.Attr {
	const endTrace, endSpan, endFlags = 32, 48, 50
	var b [endFlags]byte
	hex.Encode(b[:], traceID[:])
	hex.Encode(b[endTrace:], spanID[:])
	hex.Encode(b[endSpan:], []byte{flags})
	s := string(b[:])
	if skip&fieldTraceID == 0 {
		list = append(list, slog.String(keyTraceID, s[:endTrace]))
	}
	if skip&fieldSpanID == 0 {
		list = append(list, slog.String(keySpanID, s[endTrace:endSpan]))
	}
	if skip&fieldTraceFlags == 0 {
		list = append(list, slog.String(keyTraceFlags, s[endSpan:]))
	}
	return list
}

// context returns a context in which OpenTelemetry finds the span of p: it looks
// nowhere else.
func (p place) context() context.Context {
	if p.cc == nil || p.span.IsValid() {
		return p.ctx
	}
	if want := propagation.SpanContext(p.cc); !trace.SpanContextFromContext(p.ctx).Equal(want) {
		return trace.ContextWithSpanContext(p.ctx, want)
	}
	return p.ctx
}
