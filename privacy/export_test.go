package privacy

import "math"

// Part is Text of what is only the beginning of a text.
func (r *Redactor) Part(s string) (string, bool) { return r.text(s, math.MaxInt, true) }
