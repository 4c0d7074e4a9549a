package privacy

import "strings"

// value leaves out what stands here and belongs to a name. A value that the text
// does not end is left out to the end of the text.
func (t *scanner) value(name string) {
	slashes := run(t.s, t.at, '\\')
	if q := t.at + slashes; q < len(t.s) && isQuote(t.s[q]) {
		inner, end := quoted(t.s, q, slashes)
		if slashes == 0 && end < len(t.s) && (isNameByte(t.s[end]) || t.s[end] == '\\') {
			t.hide(unquoted(t.s, end)) // words of a shell go on
			return
		}
		t.pass(q + 1)
		t.hide(inner)
		return
	}
	end := unquoted(t.s, t.at)
	if end <= t.at {
		return
	}
	switch lower := strings.ToLower(name); {
	case isOpen(t.s[t.at]):
	case strings.Contains(lower, "authorization"), strings.Contains(lower, "cookie"):
		for end < len(t.s) && t.s[end] != '\n' && t.s[end] != '\r' { // a line of a header
			end++
		}
	case isScheme(t.s[t.at:end]):
		if next := blanks(t.s, end); next > end {
			end = unquoted(t.s, next)
		}
	}
	t.hide(end)
}

// quoted returns where the text inside of quotes ends, of which the first is at q
// behind so many backslashes, and where the quotes end. In text that was quoted n
// times, a quote of that level has 2^n-1 backslashes before it, and as many again
// for each one that the text itself ends with.
func quoted(s string, q, slashes int) (inner, end int) {
	before := 0
	for i := q + 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			before++
			continue
		case s[i] != s[q]:
		case before < slashes, before%(2*(slashes+1)) == slashes:
			if slashes == 0 && i > q+1 && i+1 < len(s) && s[i+1] == s[q] {
				i++ // doubled, as in SQL
				break
			}
			return i - min(before, slashes), i + 1
		}
		before = 0
	}
	return len(s), len(s)
}

// unquoted returns where a value ends: at a blank, a quote or "&", outside of
// brackets and of the strings in them.
func unquoted(s string, begin int) int {
	var open []byte // the brackets that are missing
	for i := begin; i < len(s); i++ {
		c := s[i]
		slashes := run(s, i, '\\')
		q := i + slashes
		switch in := len(open) > 0; {
		case in && q < len(s) && isQuote(s[q]):
			_, end := quoted(s, q, slashes)
			i = end - 1
		case slashes > 0:
			i = q // with what is escaped
		case isOpen(c):
			open = append(open, closing[strings.IndexByte(opening, c)])
		case in && c == open[len(open)-1]:
			open = open[:len(open)-1]
		case !in && (isQuote(c) || c == '&' && i > begin || strings.IndexByte(" \t\r\n", c) >= 0):
			return i
		}
	}
	return len(s)
}

const opening, closing = "[{(", "]})"

func isOpen(c byte) bool { return strings.IndexByte(opening, c) >= 0 }

// token returns where a word ends.
func token(s string, begin int) int {
	end := begin
	for end < len(s) && !isQuote(s[end]) && strings.IndexByte(" \t\r\n,;&<>", s[end]) < 0 {
		end++
	}
	return end
}

func isScheme(s string) bool {
	for _, scheme := range []string{"bearer", "basic", "digest", "token", "apikey", "negotiate"} {
		if strings.EqualFold(s, scheme) {
			return true
		}
	}
	return false
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// run returns how many c there are from i on.
func run(s string, i int, c byte) (n int) {
	for i+n < len(s) && s[i+n] == c {
		n++
	}
	return n
}
