package nodespan

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// The bounds of what one scope records. The counts are the defaults of
// OpenTelemetry's span limits; bytes are bounded too, as all of it travels with the
// end of the scope.
const (
	maxAttributes = 128 // of a span, an event or a link
	maxEvents     = 128
	maxLinks      = 128
	maxValue      = 8 << 10  // bytes of a text
	maxBytes      = 64 << 10 // of all that one scope has
	eventBytes    = 40       // of what every event and link has
)

// cut makes s valid UTF-8 of at most maxValue bytes; a longer one ends with "...".
func cut(s string) string {
	long := len(s) > maxValue
	if long {
		s = s[:maxValue]
	}
	if s = strings.ToValidUTF8(s, "\uFFFD"); !long && len(s) <= maxValue {
		return s
	}
	const dots = "..."
	end := min(len(s), maxValue-len(dots))
	for end > 0 && end < len(s) && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + dots
}

// bounded returns kv with texts that are valid and not too long.
func bounded(kv attribute.KeyValue) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(cut(string(kv.Key))), Value: boundedValue(kv.Value)}
}

// boundedAll returns as many attributes as fit, their bytes, and the number of those
// that are left out.
func boundedAll(list []attribute.KeyValue) (kept []attribute.KeyValue, dropped, bytes int) {
	for _, kv := range list {
		if !kv.Valid() || len(kept) >= maxAttributes {
			dropped++
			continue
		}
		kv = bounded(kv)
		n := Size(kv)
		if bytes+n > maxBytes/2 {
			dropped++
			continue
		}
		bytes += n
		kept = append(kept, kv)
	}
	return kept, dropped, bytes
}

func boundedValue(v attribute.Value) attribute.Value {
	switch v.Type() { //nolint:exhaustive // the others have no text
	case attribute.STRING:
		return attribute.StringValue(cut(v.AsString()))
	case attribute.STRINGSLICE:
		list := v.AsStringSlice()
		for i, s := range list {
			list[i] = cut(s)
		}
		return attribute.StringSliceValue(list)
	case attribute.SLICE:
		list := v.AsSlice()
		for i, e := range list {
			list[i] = boundedValue(e)
		}
		return attribute.SliceValue(list...)
	case attribute.MAP:
		list := v.AsMap()
		for i, kv := range list {
			list[i] = bounded(kv)
		}
		return attribute.MapValue(list...)
	default:
		return v
	}
}

// Size is an estimate of the bytes of kv, on the wire and in memory.
func Size(kv attribute.KeyValue) int { return len(kv.Key) + sizeOf(kv.Value) + 8 }

func sizeOf(v attribute.Value) int {
	n := 8
	switch v.Type() { //nolint:exhaustive // the others are of one size
	case attribute.STRING:
		n += len(v.AsString())
	case attribute.BYTESLICE:
		n += len(v.AsByteSlice())
	case attribute.BOOLSLICE:
		n += 8 * len(v.AsBoolSlice())
	case attribute.INT64SLICE:
		n += 8 * len(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		n += 8 * len(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			n += len(s) + 8
		}
	case attribute.SLICE:
		for _, e := range v.AsSlice() {
			n += sizeOf(e)
		}
	case attribute.MAP:
		for _, kv := range v.AsMap() {
			n += Size(kv)
		}
	}
	return n
}
