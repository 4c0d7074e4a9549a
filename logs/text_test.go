package logs

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"short", 5, "short"},
		{"longer", 5, "lo..."},
		{"ééééé", 5, "ééééé"},
		{"éééééé", 5, "éé..."},
		{"a\xffb", 5, "a\uFFFDb"},
		{strings.Repeat("🙂", 100), 5, "🙂🙂..."},
	} {
		if got := shorten(c.in, c.limit); got != c.want {
			t.Errorf("shorten(%q, %d) is %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestShortenLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		limit := rapid.IntRange(3, 40).Draw(t, "limit")
		got := shorten(s, limit)
		whole := strings.ToValidUTF8(s, "\uFFFD")
		kept, cut := strings.CutSuffix(got, "...")
		switch {
		case !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit:
			t.Fatalf("%q", got)
		case got == whole:
		case !cut || utf8.RuneCountInString(got) != limit:
			t.Fatalf("%q is not what fits of %q", got, whole)
		case !strings.HasPrefix(whole, kept):
			t.Fatalf("%q is not the beginning of %q", kept, whole)
		}
	})
}
