package providers

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/internal/nodespan"
)

// What a span and each of its parts take beside their texts, in memory and roughly on
// the wire, in bytes.
const (
	spanBytes  = 512
	eventBytes = 128
	valueBytes = 64
)

// sizeOf is an estimate of the bytes of a span.
func sizeOf(s sdktrace.ReadOnlySpan) int {
	n := spanBytes + len(s.Name()) + len(s.Status().Description) + sizeOfAll(s.Attributes())
	for _, e := range s.Events() {
		n += eventBytes + len(e.Name) + sizeOfAll(e.Attributes)
	}
	for _, l := range s.Links() {
		n += eventBytes + sizeOfAll(l.Attributes)
	}
	return n
}

func sizeOfAll(list []attribute.KeyValue) (n int) {
	for _, kv := range list {
		n += valueBytes + nodespan.Size(kv)
	}
	return n
}
