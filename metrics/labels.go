package metrics

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/callbacks"
)

// labels are the values of the attributes of one series, and its key in a map.
type labels struct {
	pipeline, node   string
	component        string
	errorType        string
	tier, direction  string // of a cache
	nested, overflow bool
	result           callbacks.Result
	cache            cacheResult
}

// cacheResult is what a step's look-up of a stored result gave.
type cacheResult uint8

const (
	cacheNone cacheResult = iota // it has no cache
	cacheHit
	cacheMiss
	cacheBypass

	cacheResults // how many there are
)

// String returns the word that spans have too.
func (c cacheResult) String() string { return [cacheResults]string{"", "hit", "miss", "bypass"}[c] }

// lookedUp returns what an event says of the look-up before the step ran.
func lookedUp(l *callbacks.CacheLookup) cacheResult {
	switch {
	case l == nil:
		return cacheNone
	case l.Bypass:
		return cacheBypass
	default:
		return cacheMiss
	}
}

// overflowSet is what the specification of metrics (SDK, cardinality limits)
// gives the series of all that has no series of its own.
var overflowSet = attribute.NewSet(keyOverflow.Bool(true))

// set returns the attributes of a series of i. It is called once for each.
func (l labels) set(i *instrument) attribute.Set {
	if l.overflow {
		return overflowSet
	}
	var list []attribute.KeyValue
	for _, key := range i.keys {
		kv := key.String("")
		switch key {
		case keyPipeline:
			kv = key.String(l.pipeline)
		case keyNode:
			kv = key.String(l.node)
		case keyResult:
			kv = key.String(l.result.String())
		case keyComponent:
			kv = key.String(l.component)
		case keyCacheResult:
			kv = key.String(l.cache.String())
		case keyTier:
			kv = key.String(l.tier)
		case keyDirection:
			kv = key.String(l.direction)
		case keyErrorType:
			kv = key.String(l.errorType)
		case keyNested:
			if l.nested {
				list = append(list, key.Bool(true))
			}
			continue
		}
		if kv.Value.AsString() != "" || key == keyPipeline || key == keyNode {
			list = append(list, kv)
		}
	}
	return attribute.NewSet(list...)
}

// maxValue is the most bytes of an attribute's value: names and types of errors
// may come from outside.
const maxValue = 256

// value returns s as an attribute may have it: OTLP carries valid UTF-8 only.
func value(s string) string {
	if len(s) > maxValue {
		s = strings.Clone(cut(s)) // the rest may be large
	}
	if utf8.ValidString(s) {
		return s
	}
	return cut(strings.ToValidUTF8(s, "\uFFFD"))
}

// cut returns the most of s that an attribute has room for, in whole characters.
func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	end := maxValue
	for !utf8.RuneStart(s[end]) && end > maxValue-utf8.UTFMax {
		end--
	}
	return s[:end]
}

// errorType returns what error.type of the instrument says of an end: the same as
// on the span. It is empty when the end is no failure, or nobody would see it.
func (i *instrument) errorType(end *callbacks.End) string {
	switch end.Result {
	case callbacks.ResultFailure, callbacks.ResultError, callbacks.ResultTimeout:
		if slices.Contains(i.keys, keyErrorType) {
			return typeOf(end.Err)
		}
	}
	return ""
}

// typeOf returns the type of an error, which may have none.
func typeOf(err error) string {
	if t := value(callbacks.ErrorType(err)); t != "" {
		return t
	}
	return semconv.ErrorTypeOther.Value.AsString()
}
