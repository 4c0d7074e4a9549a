package nodespan

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// ErrorAdder is a span that keeps the error itself beside its exception, so that the
// failure of the scope is not recorded again.
type ErrorAdder interface {
	trace.Span
	AddError(err error, attributes ...attribute.KeyValue)
}
