package callbacks

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/spanloom/spanloom/internal/capture"
)

// Values gives a hook the inputs or outputs of its scope, without making
// anything until it is asked. It is valid during the hook only; the zero Values
// holds nothing.
type Values struct {
	source ValueSource
	scope  int32
}

// ValueSource is where an engine keeps values.
type ValueSource interface {
	// Len returns how many values the scope has.
	Len(scope int32) int
	// At returns the scope's i-th value as it is.
	At(scope int32, i int) any
}

// NewValues returns the values that source holds for scope.
func NewValues(source ValueSource, scope int32) Values { return Values{source, scope} }

// Len returns the number of values.
func (v Values) Len() int {
	if v.source == nil {
		return 0
	}
	return v.source.Len(v.scope)
}

// Shared returns the i-th value as the run uses it. Do not change it, and do
// not keep it after the hook.
func (v Values) Shared(i int) any { return v.source.At(v.scope, i) }

// Copy returns a copy of the i-th value, of the same type, made by encoding it
// as JSON and decoding that. The copy is the caller's.
func (v Values) Copy(i int) (any, error) {
	shared := v.Shared(i)
	if shared == nil {
		return nil, nil
	}
	data, err := json.Marshal(shared)
	if err != nil {
		return nil, fmt.Errorf("copy %T: %w", shared, err)
	}
	c := reflect.New(reflect.TypeOf(shared))
	if err := json.Unmarshal(data, c.Interface()); err != nil {
		return nil, fmt.Errorf("copy %T: %w", shared, err)
	}
	return c.Elem().Interface(), nil
}

// JSON returns the i-th value as JSON of at most limit bytes. Longer text is
// cut at a rune and ends with "...". What cannot be encoded gives
// "<unserializable: T>": in the value's place, or inside it as a string. It costs
// what the limit allows, however large the value is; only methods of the value,
// such as MarshalJSON, cost what they do. Nothing is left out that may be secret:
// see package privacy.
func (v Values) JSON(i, limit int) string { return capture.JSON(limit, nil, v.Shared(i)) }
