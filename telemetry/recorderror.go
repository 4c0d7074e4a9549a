package telemetry

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/internal/nodespan"
)

// keyErrorChain is the attribute of an exception that [RecordError] records.
const keyErrorChain = attribute.Key("spanloom.error.chain")

// RecordError records err as an "exception" event of the span that ctx is in: its
// type, its text without control characters and of at most 256 characters, the types
// of all errors that it wraps, from the outside in, and a stack: that which an error
// in the chain has from its method Stack() string, or else that of the caller. The
// status stays: err may be one that the code can live with. When the node fails with
// err, or with one that wraps it, no second exception is recorded.
func RecordError(ctx context.Context, err error, attributes ...attribute.KeyValue) {
	span := Current(ctx)
	if err == nil || !span.IsRecording() {
		return
	}
	typ, message := textOf(err)
	chain, stack := chainOf(err)
	if stack == "" {
		stack = callers()
	}
	list := append([]attribute.KeyValue{
		semconv.ExceptionType(typ), semconv.ExceptionMessage(message),
		keyErrorChain.StringSlice(chain), semconv.ExceptionStacktrace(shorten(stack, maxStack)),
	}, attributes...)
	if own, ok := span.(nodespan.ErrorAdder); ok {
		own.AddError(err, list...)
		return
	}
	span.AddEvent("exception", trace.WithAttributes(list...))
}

// maxChain is the most types of a chain that are recorded.
const maxChain = 16

// chainOf returns the types of the errors that err wraps, itself first, those of
// errors.Join one after another, and the stack of the first that has one.
func chainOf(err error) (types []string, stack string) {
	defer func() { _ = recover() }() // methods of errors are not ours
	for list := []error{err}; len(list) > 0 && len(types) < maxChain; {
		e := list[0]
		list = list[1:]
		if e == nil {
			continue
		}
		types = append(types, fmt.Sprintf("%T", e))
		if s, ok := e.(interface{ Stack() string }); ok && stack == "" {
			stack = s.Stack()
		}
		if one := errors.Unwrap(e); one != nil {
			list = append([]error{one}, list...)
		} else if many, ok := e.(interface{ Unwrap() []error }); ok {
			list = append(append([]error{}, many.Unwrap()...), list...)
		}
	}
	return types, stack
}

// callers returns the stack of who has called RecordError, as a panic would show it.
func callers() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var b strings.Builder
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function != "" {
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
	}
	return b.String()
}

// clean makes a text fit to be read: of one line's control characters only line ends
// and tabs stay, escape sequences of terminals go as a whole, and it is cut.
func clean(s string) string {
	s = shorten(s, 4*maxMessage)
	var b strings.Builder
	for len(s) > 0 {
		if n := escape(s); n > 0 {
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			b.WriteRune(r)
		}
		s = s[n:]
	}
	return shorten(strings.TrimSpace(b.String()), maxMessage)
}

// escape returns the length of the control sequence that s begins with (ECMA-48,
// 5.4: parameters, intermediate bytes, a final byte); 0 when it does not.
func escape(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] >= 0x40 && s[i] <= 0x7e:
			return i + 1
		case s[i] < 0x20 || s[i] > 0x7e:
			return i
		}
	}
	return len(s)
}
