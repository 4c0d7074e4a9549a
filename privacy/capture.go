package privacy

import (
	"cmp"

	"github.com/spanloom/spanloom/internal/capture"
)

// DefaultLimit is how long the text of inputs or outputs may be, in bytes.
const DefaultLimit = 256

// Capture says which values of a run telemetry keeps. The zero Capture keeps none.
type Capture struct {
	// Inputs keeps the inputs of pipelines, nodes and map items. Defaults to false.
	Inputs bool
	// Outputs keeps what they return. Defaults to false.
	Outputs bool
	// Limit bounds the text of the inputs of one step, and that of its outputs, in
	// bytes. Defaults to 256.
	Limit int
	// Redactor leaves out what is secret, before anything is cut. Defaults to one
	// with the names and forms that every Redactor knows.
	Redactor *Redactor
}

// JSON returns values as JSON of at most Limit bytes: one as it is, several as an
// array, none as "". Longer text is cut at a rune and ends with "...". What cannot
// be encoded is "<unserializable: T>": in the value's place, or inside it as a
// string. What stands under a name of a secret is [Mark], and texts are those of
// [Redactor.Text].
//
// It costs what the limit allows, however large the values are. Only methods of
// the values, such as MarshalJSON, cost what they do; once they have taken 10 ms,
// no further one is called. A method is called because a type that has one may
// hide something by it: such a type is never shown by its fields.
//
// The values are read during the call only, and must not be changed meanwhile.
func (c Capture) JSON(values ...any) string {
	return capture.JSON(max(cmp.Or(c.Limit, DefaultLimit), 0), filter{c.Redactor}, values...)
}

// filter is a Redactor as the encoder wants it.
type filter struct{ r *Redactor }

func (f filter) Key(name string) bool { return f.r.Key(name) }
func (f filter) Window(n int) int     { return f.r.window(n) }

func (f filter) Text(s string, n int, cut bool) (shown string, all bool) {
	return f.r.text(s, n, cut)
}
