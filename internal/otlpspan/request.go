package otlpspan

import (
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

// Request is an ExportTraceServiceRequest that is made span by span. All of them have
// the same resource and scope.
type Request struct {
	body          []byte
	schema, scope string // the URLs of the resource's schema and the scope's
	resources     message
	scopes        message
	spans         int
}

// Begin begins a request behind what is in b.
func Begin(b []byte, r *resource.Resource, scope *instrumentation.Scope) Request {
	q := Request{schema: r.SchemaURL(), scope: scope.SchemaURL}
	b, q.resources = open(b, requestResourceSpans, large)
	if r != nil {
		var inner message
		b, inner = open(b, resourceSpansResource, 2)
		b = shut(AppendAttributes(b, resourceAttributes, r.Attributes()), inner)
	}
	b, q.scopes = open(b, resourceSpansScopes, large)
	if *scope != (instrumentation.Scope{}) {
		b = appendScope(b, scopeSpansScope, scope)
	}
	q.body = b
	return q
}

// Add adds a span. Nothing of it is kept.
func (q *Request) Add(s sdktrace.ReadOnlySpan) {
	q.body = appendSpan(q.body, scopeSpansSpans, s)
	q.spans++
}

// Len returns the number of spans.
func (q *Request) Len() int { return q.spans }

// End returns what was in front of the request and the request.
func (q *Request) End() []byte {
	b := q.body
	if q.scope != "" {
		b = appendString(b, scopeSpansSchema, q.scope)
	}
	b = shut(b, q.scopes)
	if q.schema != "" {
		b = appendString(b, resourceSpansSchema, q.schema)
	}
	return shut(b, q.resources)
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

// AppendRequest appends a request of spans. Where the resource or the scope of a span
// is another than that of the one before, a new ResourceSpans begins.
func AppendRequest(b []byte, spans []sdktrace.ReadOnlySpan) []byte {
	for len(spans) > 0 {
		r, scope := spans[0].Resource(), spans[0].InstrumentationScope()
		q := Begin(b, r, &scope)
		n := 0
		for n < len(spans) && spans[n].Resource() == r && spans[n].InstrumentationScope() == scope {
			q.Add(spans[n])
			n++
		}
		b, spans = q.End(), spans[n:]
	}
	return b
}
