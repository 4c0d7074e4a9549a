package providers

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
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
	for i := range list {
		n += len(list[i].Key) + sizeOfValue(list[i].Value)
	}
	return n
}

func sizeOfValue(v attribute.Value) int {
	n := valueBytes
	switch v.Type() { //nolint:exhaustive // the others are of one size
	case attribute.STRING:
		n += len(v.AsString())
	case attribute.BYTESLICE:
		n += len(v.AsByteSlice())
	case attribute.BOOLSLICE:
		n += len(v.AsBoolSlice())
	case attribute.INT64SLICE:
		n += 8 * len(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		n += 8 * len(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			n += valueBytes + len(s)
		}
	case attribute.SLICE:
		for _, e := range v.AsSlice() {
			n += sizeOfValue(e)
		}
	case attribute.MAP:
		n += sizeOfAll(v.AsMap())
	}
	return n
}
