package metrics

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzValue holds that every value can be carried, is short, and that only what
// is wrong with it changes.
func FuzzValue(f *testing.F) {
	for _, s := range []string{
		"", "fetch", "x" + strings.Repeat("é", 300), strings.Repeat("a\xff", 300), strings.Repeat("\x80", 600),
		strings.Repeat("a", 255) + "\xf0\x9f\x98\x80", "\xf0\x9f\x98",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := value(s)
		if !utf8.ValidString(got) || len(got) > maxValue {
			t.Errorf("value(%q) = %q, of %d bytes", s, got, len(got))
		}
		if utf8.ValidString(s) && (!strings.HasPrefix(s, got) || len(got) != len(s) && len(got) <= maxValue-utf8.UTFMax) {
			t.Errorf("value(%q) = %q", s, got)
		}
		if again := value(got); again != got {
			t.Errorf("value(%q) = %q", got, again)
		}
	})
}
