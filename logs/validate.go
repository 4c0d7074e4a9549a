package logs

import (
	"context"
	"slices"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/spanloom/spanloom/callbacks"
)

// validating is a provider whose loggers make text valid UTF-8.
type validating struct{ log.LoggerProvider }

// Logger implements log.LoggerProvider.
func (p validating) Logger(name string, options ...log.LoggerOption) log.Logger {
	return validLogger{p.LoggerProvider.Logger(name, options...)}
}

type validLogger struct{ log.Logger }

// Emit implements log.Logger.
func (l validLogger) Emit(ctx context.Context, r log.Record) { l.Logger.Emit(ctx, validRecord(r)) }

// validRecord returns r, or what it says in valid UTF-8.
func validRecord(r log.Record) log.Record {
	bad := !isValid(r.Body())
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		bad = bad || !isValidKV(kv)
		return !bad
	})
	if err := r.Err(); err != nil && !utf8.ValidString(err.Error()) {
		r.SetErr(validError{err})
	}
	if !bad {
		return r
	}
	var clean log.Record
	clean.SetEventName(r.EventName())
	clean.SetTimestamp(r.Timestamp())
	clean.SetObservedTimestamp(r.ObservedTimestamp())
	clean.SetSeverity(r.Severity())
	clean.SetSeverityText(r.SeverityText())
	clean.SetBody(validValue(r.Body()))
	clean.SetErr(r.Err())
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		clean.AddAttributes(validKV(kv))
		return true
	})
	return clean
}

// validError is an error whose text is valid. Its type is that of the error.
type validError struct{ error }

func (e validError) Error() string     { return valid(e.error.Error()) }
func (e validError) Unwrap() error     { return e.error }
func (e validError) ErrorType() string { return callbacks.ErrorType(e.error) }

func isValidKV(kv attribute.KeyValue) bool {
	return utf8.ValidString(string(kv.Key)) && isValid(kv.Value)
}

func isValid(v attribute.Value) bool {
	switch v.Type() {
	case attribute.STRING:
		return utf8.ValidString(v.AsString())
	case attribute.STRINGSLICE:
		return !slices.ContainsFunc(v.AsStringSlice(), func(s string) bool { return !utf8.ValidString(s) })
	case attribute.SLICE:
		return !slices.ContainsFunc(v.AsSlice(), func(v attribute.Value) bool { return !isValid(v) })
	case attribute.MAP:
		return !slices.ContainsFunc(v.AsMap(), func(kv attribute.KeyValue) bool { return !isValidKV(kv) })
	default:
		return true
	}
}

func validKV(kv attribute.KeyValue) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(valid(string(kv.Key))), Value: validValue(kv.Value)}
}

// validValue returns a copy of v with valid text.
func validValue(v attribute.Value) attribute.Value {
	switch v.Type() {
	case attribute.STRING:
		return attribute.StringValue(valid(v.AsString()))
	case attribute.STRINGSLICE:
		list := v.AsStringSlice()
		for i, s := range list {
			list[i] = valid(s)
		}
		return attribute.StringSliceValue(list)
	case attribute.SLICE:
		list := slices.Clone(v.AsSlice())
		for i, inner := range list {
			list[i] = validValue(inner)
		}
		return attribute.SliceValue(list...)
	case attribute.MAP:
		list := slices.Clone(v.AsMap())
		for i, kv := range list {
			list[i] = validKV(kv)
		}
		return attribute.MapValue(list...)
	default:
		return v
	}
}
