// Package capture writes values as JSON of bounded length, for telemetry. What
// it costs is bounded by that length and not by the values: the encoder stops at
// the limit, and looks at no more of a string, a slice or a map than can be shown.
//
// It follows encoding/json, with these differences. A value inside that has no
// JSON form gives the string "<unserializable: T>" in its place instead of an
// error for all, and NaN and the infinities are strings, as in ProtoJSON
// (https://protobuf.dev/programming-guides/json). Of a map with more than 256
// entries that cannot all be shown, any are. With a
// Redactor the text is one for people: what matters in HTML only is not escaped.
// Methods of pointers are called for values that have no address
// too: such a method may be what hides something.
//
// # Methods
//
// A type that has MarshalJSON or MarshalText is never shown by its fields: its
// method may be there to hide them. It is called, and what it costs is its own:
// nothing can stop it. What it panics with is lost, of what it returns the
// beginning is read, and when the methods of one encoding have taken 10 ms
// together, no further one is called.
package capture
