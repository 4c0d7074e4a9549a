// Package otlpattribute turns attributes into those of the OpenTelemetry Protocol, and
// back.
package otlpattribute

import (
	"go.opentelemetry.io/otel/attribute"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// To writes attributes as the protocol does.
func To(list []attribute.KeyValue) []*commonpb.KeyValue {
	if len(list) == 0 {
		return nil
	}
	out := make([]*commonpb.KeyValue, len(list))
	for i, kv := range list {
		out[i] = &commonpb.KeyValue{Key: string(kv.Key), Value: toValue(kv.Value)}
	}
	return out
}

func toValue(v attribute.Value) *commonpb.AnyValue {
	switch v.Type() {
	case attribute.BOOL:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: v.AsBool()}}
	case attribute.INT64:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: v.AsInt64()}}
	case attribute.FLOAT64:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: v.AsFloat64()}}
	case attribute.STRING:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v.AsString()}}
	case attribute.BYTESLICE:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: v.AsByteSlice()}}
	case attribute.BOOLSLICE:
		return toList(v.AsBoolSlice(), attribute.BoolValue)
	case attribute.INT64SLICE:
		return toList(v.AsInt64Slice(), attribute.Int64Value)
	case attribute.FLOAT64SLICE:
		return toList(v.AsFloat64Slice(), attribute.Float64Value)
	case attribute.STRINGSLICE:
		return toList(v.AsStringSlice(), attribute.StringValue)
	case attribute.SLICE:
		return toList(v.AsSlice(), func(e attribute.Value) attribute.Value { return e })
	case attribute.MAP:
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{
			KvlistValue: &commonpb.KeyValueList{Values: To(v.AsMap())},
		}}
	case attribute.EMPTY:
	}
	return &commonpb.AnyValue{}
}

func toList[T any](list []T, value func(T) attribute.Value) *commonpb.AnyValue {
	out := make([]*commonpb.AnyValue, len(list))
	for i, e := range list {
		out[i] = toValue(value(e))
	}
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: out}}}
}

// From reads them again. A list whose elements are of one type is one of that type, as
// most exporters know no other.
func From(list []*commonpb.KeyValue) []attribute.KeyValue {
	if len(list) == 0 {
		return nil
	}
	out := make([]attribute.KeyValue, len(list))
	for i, kv := range list {
		out[i] = attribute.KeyValue{Key: attribute.Key(kv.GetKey()), Value: ValueOf(kv.GetValue())}
	}
	return out
}

// ValueOf reads a value.
func ValueOf(v *commonpb.AnyValue) attribute.Value {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_BoolValue:
		return attribute.BoolValue(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return attribute.Int64Value(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return attribute.Float64Value(v.DoubleValue)
	case *commonpb.AnyValue_StringValue:
		return attribute.StringValue(v.StringValue)
	case *commonpb.AnyValue_BytesValue:
		return attribute.ByteSliceValue(v.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		return fromList(v.ArrayValue.GetValues())
	case *commonpb.AnyValue_KvlistValue:
		return attribute.MapValue(From(v.KvlistValue.GetValues())...)
	default:
		return attribute.Value{}
	}
}

func fromList(list []*commonpb.AnyValue) attribute.Value {
	values := make([]attribute.Value, len(list))
	same := true
	for i, e := range list {
		values[i] = ValueOf(e)
		same = same && values[i].Type() == values[0].Type()
	}
	if !same || len(values) == 0 {
		return attribute.SliceValue(values...)
	}
	switch values[0].Type() { //nolint:exhaustive // there are no lists of the others
	case attribute.BOOL:
		return attribute.BoolSliceValue(each(values, attribute.Value.AsBool))
	case attribute.INT64:
		return attribute.Int64SliceValue(each(values, attribute.Value.AsInt64))
	case attribute.FLOAT64:
		return attribute.Float64SliceValue(each(values, attribute.Value.AsFloat64))
	case attribute.STRING:
		return attribute.StringSliceValue(each(values, attribute.Value.AsString))
	default:
		return attribute.SliceValue(values...)
	}
}

func each[T any](list []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = as(v)
	}
	return out
}
