package nodespan

import (
	"strconv"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spanloom/spanloom/internal/capture"
)

// redacted returns attributes as they may leave the host. What stands under the name
// of a secret is hidden with all that is inside it; of all else, numbers and bytes
// too, what is secret in writing.
func redacted(list []attribute.KeyValue, red Redactor) []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(list))
	for i, kv := range list {
		out[i].Key = attribute.Key(red.Text(string(kv.Key)))
		if red.Key(string(kv.Key)) {
			out[i].Value = attribute.StringValue(capture.Mark)
		} else {
			out[i].Value = redactedValue(kv.Value, red)
		}
	}
	return out
}

func redactedValue(v attribute.Value, red Redactor) attribute.Value {
	switch v.Type() { //nolint:exhaustive // the others cannot be secret
	case attribute.STRING:
		return attribute.StringValue(red.Text(v.AsString()))
	case attribute.STRINGSLICE:
		return attribute.StringSliceValue(redactedList(v.AsStringSlice(), red, func(s string) string { return s }))
	case attribute.INT64:
		return written(v, red, []int64{v.AsInt64()}, decimal)
	case attribute.FLOAT64:
		return written(v, red, []float64{v.AsFloat64()}, float)
	case attribute.BYTESLICE:
		return written(v, red, [][]byte{v.AsByteSlice()}, func(b []byte) string { return string(b) })
	case attribute.INT64SLICE:
		return written(v, red, v.AsInt64Slice(), decimal)
	case attribute.FLOAT64SLICE:
		return written(v, red, v.AsFloat64Slice(), float)
	case attribute.SLICE:
		list := v.AsSlice()
		for i, e := range list {
			list[i] = redactedValue(e, red)
		}
		return attribute.SliceValue(list...)
	case attribute.MAP:
		return attribute.MapValue(redacted(v.AsMap(), red)...)
	default:
		return v
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
func float(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// redactedList returns the texts of a list as they may leave the host.
func redactedList[T any](list []T, red Redactor, write func(T) string) []string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = red.Text(write(e))
	}
	return texts
}

// written returns v as it is, unless there is a secret in what its parts are in
// writing: then it is those texts, or the only one.
func written[T any](v attribute.Value, red Redactor, parts []T, write func(T) string) attribute.Value {
	secret := false
	for _, e := range parts {
		text := write(e)
		secret = secret || red.Text(text) != text
	}
	texts := redactedList(parts, red, write)
	switch {
	case !secret:
		return v
	case v.Type() == attribute.INT64SLICE, v.Type() == attribute.FLOAT64SLICE:
		return attribute.StringSliceValue(texts)
	default:
		return attribute.StringValue(texts[0])
	}
}
