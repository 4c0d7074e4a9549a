package otlpspan

import (
	"slices"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of ExportTraceServiceRequest, ResourceSpans, ScopeSpans, Resource and
// InstrumentationScope.
const (
	requestResourceSpans = 1

	resourceSpansResource = 1
	resourceSpansScopes   = 2
	resourceSpansSchema   = 3

	scopeSpansScope  = 1
	scopeSpansSpans  = 2
	scopeSpansSchema = 3

	resourceAttributes = 1

	scopeName       = 1
	scopeVersion    = 2
	scopeAttributes = 3
)

// large is the width of the length of what holds more spans than a few: 16 KiB to
// 2 MiB.
const large = 3

// AppendRequest appends an ExportTraceServiceRequest of the spans. Spans that follow
// each other and have the same resource and scope share them; those that are nil are
// left out.
func AppendRequest(b []byte, spans []sdktrace.ReadOnlySpan) []byte {
	for len(spans) > 0 {
		if spans[0] == nil {
			spans = spans[1:]
			continue
		}
		r := spans[0].Resource()
		n := run(spans, func(s sdktrace.ReadOnlySpan) bool { return s.Resource() == r })
		b = appendResourceSpans(b, r, spans[:n])
		spans = spans[n:]
	}
	return b
}

// run returns how many spans from the first on are nil or alike.
func run(spans []sdktrace.ReadOnlySpan, alike func(sdktrace.ReadOnlySpan) bool) int {
	if n := slices.IndexFunc(spans, func(s sdktrace.ReadOnlySpan) bool { return s != nil && !alike(s) }); n >= 0 {
		return n
	}
	return len(spans)
}

func appendResourceSpans(b []byte, r *resource.Resource, spans []sdktrace.ReadOnlySpan) []byte {
	b, at := open(b, requestResourceSpans, large)
	if r != nil {
		var inner message
		b, inner = open(b, resourceSpansResource, 2)
		b = shut(AppendAttributes(b, resourceAttributes, r.Attributes()), inner)
	}
	for len(spans) > 0 {
		if spans[0] == nil {
			spans = spans[1:]
			continue
		}
		scope := spans[0].InstrumentationScope()
		n := run(spans, func(s sdktrace.ReadOnlySpan) bool { return s.InstrumentationScope() == scope })
		b = appendScopeSpans(b, &scope, spans[:n])
		spans = spans[n:]
	}
	if url := r.SchemaURL(); url != "" {
		b = appendString(b, resourceSpansSchema, url)
	}
	return shut(b, at)
}

func appendScopeSpans(b []byte, scope *instrumentation.Scope, spans []sdktrace.ReadOnlySpan) []byte {
	b, at := open(b, resourceSpansScopes, large)
	if *scope != (instrumentation.Scope{}) {
		b = appendScope(b, scopeSpansScope, scope)
	}
	for _, s := range spans {
		if s != nil {
			b = appendSpan(b, scopeSpansSpans, s)
		}
	}
	if scope.SchemaURL != "" {
		b = appendString(b, scopeSpansSchema, scope.SchemaURL)
	}
	return shut(b, at)
}

func appendScope(b []byte, field protowire.Number, scope *instrumentation.Scope) []byte {
	b, at := open(b, field, 1)
	if scope.Name != "" {
		b = appendString(b, scopeName, scope.Name)
	}
	if scope.Version != "" {
		b = appendString(b, scopeVersion, scope.Version)
	}
	return shut(AppendAttributes(b, scopeAttributes, scope.Attributes.ToSlice()), at)
}
