package telemetry

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

const (
	// maxMessage is the most characters of an error's text on a span.
	maxMessage = 256
	// maxLabel is the most characters of an item's label.
	maxLabel = 100
	// maxStack is the most characters of a stack on a span: about 60 frames.
	maxStack = 8 << 10
)

// exception is the event that records a failure, with the names of
// OpenTelemetry's conventions for exceptions.
func exception(err error, typ, message string, at time.Time) sdktrace.Event {
	attrs := []attribute.KeyValue{semconv.ExceptionType(typ), semconv.ExceptionMessage(message)}
	var s interface{ Stack() string }
	if errors.As(err, &s) {
		if stack := shorten(s.Stack(), maxStack); stack != "" {
			attrs = append(attrs, semconv.ExceptionStacktrace(stack))
		}
	}
	return sdktrace.Event{Name: "exception", Attributes: attrs, Time: at}
}

// valid makes s valid UTF-8. Protobuf refuses other strings, and with one of
// them the whole batch would be lost.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// shorten cuts s to at most limit characters, the last of which are then "...".
func shorten(s string, limit int) string {
	if len(s) > limit*utf8.UTFMax { // it is longer whatever it holds
		s = s[:limit*utf8.UTFMax+1]
	}
	s = valid(s)
	if len(s) <= limit {
		return s
	}
	const dots = "..."
	runes, cut := 0, 0
	for i := range s {
		if runes == limit-len(dots) {
			cut = i
		}
		if runes == limit {
			return s[:cut] + dots
		}
		runes++
	}
	return s
}
