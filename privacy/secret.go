package privacy

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/spanloom/spanloom/internal/capture"
)

// Mark stands in place of what is secret.
const Mark = capture.Mark

// Secret holds a value that no printer and no encoder shows: they show [Mark], or
// an error where there is no place for it. [Secret.Reveal] gives the value.
//
// It decodes from JSON, from text, from YAML scalars, flags and the like, so that
// configurations can hold one. What a Secret was encoded to does not decode: a
// mark is never taken for a value. For that reason a step with a Secret in its
// inputs or outputs is not cached, and runs again when its run is resumed.
//
// The zero Secret holds the zero T. A Secret is never changed, except by decoding
// into it, and may be copied; it cannot be compared with ==, see [Secret.Equal].
// It protects from being shown by accident, not from code that wants to know: the
// value is in memory as it is.
type Secret[T any] struct {
	// A func, because nothing that walks values sees what a func holds; fmt and
	// others look at fields that are not exported without asking for methods.
	reveal func() T
}

// NewSecret returns a Secret that holds v.
func NewSecret[T any](v T) Secret[T] { return Secret[T]{func() T { return v }} }

// Reveal returns the value. It is shared with the Secret, if it is a slice, a map
// or a pointer.
func (s Secret[T]) Reveal() T {
	if s.reveal == nil {
		var zero T
		return zero
	}
	return s.reveal()
}

// Equal reports whether two Secrets hold equal values. Strings and bytes are
// compared in a time that depends on their lengths only, other values as
// [reflect.DeepEqual] does.
func (s Secret[T]) Equal(other Secret[T]) bool {
	a, b := s.Reveal(), other.Reveal()
	switch x, y := reflect.ValueOf(a), reflect.ValueOf(b); {
	case x.Kind() == reflect.String && y.Kind() == reflect.String && x.Type() == y.Type():
		return subtle.ConstantTimeCompare([]byte(x.String()), []byte(y.String())) == 1
	case isBytes(x) && isBytes(y) && x.Type() == y.Type():
		return subtle.ConstantTimeCompare(x.Bytes(), y.Bytes()) == 1
	}
	return reflect.DeepEqual(a, b)
}

func isBytes(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8
}

// String implements [fmt.Stringer].
func (Secret[T]) String() string { return Mark }

// GoString implements [fmt.GoStringer].
func (Secret[T]) GoString() string { return Mark }

// Format implements [fmt.Formatter]: every verb gives the mark.
func (Secret[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Mark)) }

// LogValue implements [slog.LogValuer].
func (Secret[T]) LogValue() slog.Value { return slog.StringValue(Mark) }

// MarshalJSON implements [encoding/json.Marshaler].
func (Secret[T]) MarshalJSON() ([]byte, error) { return []byte(`"` + Mark + `"`), nil }

// MarshalText implements [encoding.TextMarshaler].
func (Secret[T]) MarshalText() ([]byte, error) { return []byte(Mark), nil }

// MarshalBinary implements [encoding.BinaryMarshaler], which gob uses: it refuses.
func (Secret[T]) MarshalBinary() ([]byte, error) {
	return nil, errors.New("privacy: a secret has no binary form")
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Null leaves the Secret as
// it is. Errors do not say what the value was.
func (s *Secret[T]) UnmarshalJSON(data []byte) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	return s.decode(data, fromJSON[T])
}

// UnmarshalText implements [encoding.TextUnmarshaler]. A T that is neither a
// string nor bytes, and has no UnmarshalText, is read as JSON. Errors do not say
// what the value was.
func (s *Secret[T]) UnmarshalText(text []byte) error { return s.decode(text, fromText[T]) }
