package otlpspan

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of opentelemetry/proto/common/v1/common.proto.
const (
	keyValueKey   = 1
	keyValueValue = 2

	anyString = 1
	anyBool   = 2
	anyInt    = 3
	anyDouble = 4
	anyArray  = 5
	anyMap    = 6
	anyBytes  = 7

	elements = 1 // of an ArrayValue, and of a KeyValueList
)

// AppendAttributes appends attributes as elements of a field.
func AppendAttributes(b []byte, field protowire.Number, list []attribute.KeyValue) []byte {
	for i := range list {
		b = appendKeyValue(b, field, &list[i])
	}
	return b
}

func appendKeyValue(b []byte, field protowire.Number, kv *attribute.KeyValue) []byte {
	b, at := open(b, field, 1)
	if kv.Key != "" {
		b = appendString(b, keyValueKey, string(kv.Key))
	}
	return shut(appendValue(b, keyValueValue, kv.Value), at)
}

func appendValue(b []byte, field protowire.Number, v attribute.Value) []byte {
	b, at := open(b, field, 1)
	switch v.Type() {
	case attribute.STRING:
		b = appendString(b, anyString, v.AsString())
	case attribute.INT64:
		b = appendUint(b, anyInt, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		b = appendFixed64(b, anyDouble, math.Float64bits(v.AsFloat64()))
	case attribute.BOOL:
		b = appendUint(b, anyBool, protowire.EncodeBool(v.AsBool()))
	case attribute.BYTESLICE:
		b = appendBytes(b, anyBytes, v.AsByteSlice())
	case attribute.STRINGSLICE:
		b = appendList(b, v.AsStringSlice(), attribute.StringValue)
	case attribute.INT64SLICE:
		b = appendList(b, v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		b = appendList(b, v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.BOOLSLICE:
		b = appendList(b, v.AsBoolSlice(), attribute.BoolValue)
	case attribute.SLICE:
		b = appendList(b, v.AsSlice(), func(e attribute.Value) attribute.Value { return e })
	case attribute.MAP:
		var list message
		b, list = open(b, anyMap, 1)
		b = shut(AppendAttributes(b, elements, v.AsMap()), list)
	case attribute.EMPTY:
	default:
		b = appendString(b, anyString, "INVALID") // as the stock exporter says
	}
	return shut(b, at)
}

func appendList[T any](b []byte, list []T, value func(T) attribute.Value) []byte {
	b, at := open(b, anyArray, 1)
	for _, e := range list {
		b = appendValue(b, elements, value(e))
	}
	return shut(b, at)
}

// message is where a message begins that is the value of a field, and how many bytes
// before it are left free for its length.
type message struct{ at, width int }

// open begins a message whose length takes as many bytes as width, most likely.
func open(b []byte, field protowire.Number, width int) ([]byte, message) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	for range width {
		b = append(b, 0)
	}
	return b, message{len(b), width}
}

// shut ends a message. One whose length takes more or fewer bytes is moved.
func shut(b []byte, m message) []byte {
	n := len(b) - m.at
	if m.width == 1 && n < 1<<7 {
		b[m.at-1] = byte(n)
		return b
	}
	if size := protowire.SizeVarint(uint64(n)); size != m.width {
		var room [binary.MaxVarintLen64]byte
		b = append(b, room[:max(size-m.width, 0)]...)
		to := m.at - m.width + size
		copy(b[to:], b[m.at:m.at+n])
		b = b[:to+n]
	}
	protowire.AppendVarint(b[:m.at-m.width], uint64(n))
	return b
}

// appendString appends a text, mended if it is not valid: the protocol allows no
// other.
func appendString(b []byte, field protowire.Number, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendUint(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendFixed64(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), n)
}
