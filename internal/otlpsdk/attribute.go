package otlpsdk

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

func resourceOf(r *resourcepb.Resource, schema string) *resource.Resource {
	return resource.NewWithAttributes(schema, attributes(r.GetAttributes())...)
}

func scopeOf(s *commonpb.InstrumentationScope, schema string) instrumentation.Scope {
	return instrumentation.Scope{
		Name: s.GetName(), Version: s.GetVersion(), SchemaURL: schema,
		Attributes: attribute.NewSet(attributes(s.GetAttributes())...),
	}
}

func attributes(list []*commonpb.KeyValue) []attribute.KeyValue {
	if len(list) == 0 {
		return nil
	}
	out := make([]attribute.KeyValue, len(list))
	for i, kv := range list {
		out[i] = attribute.KeyValue{Key: attribute.Key(kv.GetKey()), Value: valueOf(kv.GetValue())}
	}
	return out
}

func valueOf(v *commonpb.AnyValue) attribute.Value {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return attribute.StringValue(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return attribute.BoolValue(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return attribute.Int64Value(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return attribute.Float64Value(v.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return attribute.ByteSliceValue(v.BytesValue)
	case *commonpb.AnyValue_KvlistValue:
		return attribute.MapValue(attributes(v.KvlistValue.GetValues())...)
	case *commonpb.AnyValue_ArrayValue:
		return sliceOf(v.ArrayValue.GetValues())
	default:
		return attribute.Value{}
	}
}

// sliceOf returns a slice of one type where all elements have it, as most exporters
// know no other.
func sliceOf(list []*commonpb.AnyValue) attribute.Value {
	values := make([]attribute.Value, len(list))
	for i, e := range list {
		values[i] = valueOf(e)
	}
	if len(values) > 0 {
		for _, v := range values {
			if v.Type() != values[0].Type() {
				return attribute.SliceValue(values...)
			}
		}
		switch values[0].Type() {
		case attribute.STRING:
			return attribute.StringSliceValue(each(values, attribute.Value.AsString))
		case attribute.INT64:
			return attribute.Int64SliceValue(each(values, attribute.Value.AsInt64))
		case attribute.FLOAT64:
			return attribute.Float64SliceValue(each(values, attribute.Value.AsFloat64))
		case attribute.BOOL:
			return attribute.BoolSliceValue(each(values, attribute.Value.AsBool))
		default:
		}
	}
	return attribute.SliceValue(values...)
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}

// timeOf is the zero time for 0, which stands for none.
func timeOf(nano uint64) time.Time {
	if nano == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(nano))
}
