package privacy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// builtIn are the names of secrets that every Redactor knows.
var builtIn = compile([]string{
	"*password*", "*passwd*", "*passphrase*", "passcode", "pwd", "*secret*", "*credential*",
	"*token", "access_tokens", "authorization", "bearer", "*jwt*", "cookie", "cookies",
	"*api_key", "api_keys", "access_key", "*private_key", "signing_key", "encryption_key", "account_key", "master_key",
	"session_id", "sessid", "csrf", "xsrf", "otp", "x_amz_signature", "x_goog_signature", "connection_string",
})

// PatternError is a pattern that [NewRedactor] does not take.
type PatternError struct {
	Index   int // among the patterns, from 0
	Pattern string
	Reason  string
}

// Error implements error.
func (e *PatternError) Error() string {
	return fmt.Sprintf("redact[%d]: %q %s", e.Index, e.Pattern, e.Reason)
}

// pattern matches names of secrets.
type pattern struct {
	regexp *regexp.Regexp // or
	parts  []string       // between stars
	open   bool           // begins with a star
	ending bool           // ends with a star
}

// parse makes a pattern of what a user wrote.
func parse(text string) (pattern, error) {
	if strings.ContainsAny(text, `?[](){}|^$+\`) {
		re, err := regexp.Compile("(?i)" + text)
		if err != nil {
			return pattern{}, fmt.Errorf("is not a regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		if re.MatchString("") {
			return pattern{}, errors.New("matches every name; write * if that is meant")
		}
		return pattern{regexp: re}, nil
	}
	for _, r := range text {
		if r != '*' && !isName(r) && r != ' ' && r != '/' {
			return pattern{}, fmt.Errorf(`has %q, which no name has; write words such as "api_key", stars for any characters, or a regular expression`, r)
		}
	}
	p := pattern{open: strings.HasPrefix(text, "*"), ending: strings.HasSuffix(text, "*")}
	for part := range strings.SplitSeq(text, "*") {
		if part = fold(part).text; part != "" {
			p.parts = append(p.parts, part)
		}
	}
	if len(p.parts) == 0 && !strings.Contains(text, "*") {
		return pattern{}, errors.New(`is empty; write a name such as "api_key"`)
	}
	return p, nil
}

func compile(texts []string) (list []pattern) {
	for _, text := range texts {
		p, err := parse(text)
		if err != nil {
			panic(err) //nolint:forbidigo // the list above is wrong
		}
		list = append(list, p)
	}
	return list
}

func isName(r rune) bool {
	return r == '_' || r == '-' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r) || r >= utf8.RuneSelf && unicode.IsMark(r)
}

// folded is a name in lower case without what separates its words, and the bytes
// at which words begin, with its length at the end: "X-apiKey" is "xapikey" with
// 0, 1, 4 and 7.
type folded struct {
	text  string
	words []int
}

func fold(name string) folded {
	var b strings.Builder
	var words []int
	const (
		gap = iota
		lower
		upper
		digit
	)
	last := gap
	runes := []rune(name)
	for i, r := range runes {
		now := lower
		switch {
		case r == '_' || r == '-' || !isName(r) || r == '.':
			last = gap
			continue
		case unicode.IsDigit(r):
			now = digit
		case unicode.IsUpper(r):
			now = upper
		}
		begins := now != last && (now != lower || last != upper) ||
			now == upper && last == upper && i+1 < len(runes) && unicode.IsLower(runes[i+1]) // the K of APIKey
		if begins {
			words = append(words, b.Len())
		}
		b.WriteRune(unicode.ToLower(r))
		last = now
	}
	return folded{b.String(), append(words, b.Len())}
}

// matches reports whether words of a name, or all of it, are what the pattern
// says.
func (p *pattern) matches(name string, f folded) bool {
	if p.regexp != nil {
		return p.regexp.MatchString(name)
	}
	if len(p.parts) == 0 {
		return true
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	for begin := 0; begin <= len(f.text); begin++ {
		i := strings.Index(f.text[begin:], first)
		if i < 0 {
			return false
		}
		begin += i
		if !p.open && !slices.Contains(f.words, begin) {
			continue
		}
		at := begin + len(first)
		if len(p.parts) == 1 {
			if p.ending || slices.Contains(f.words, at) {
				return true
			}
			continue
		}
		if p.rest(f, at, last) {
			return true
		}
	}
	return false
}

// rest reports whether what follows the first part is there, from a byte on.
func (p *pattern) rest(f folded, at int, last string) bool {
	for _, part := range p.parts[1 : len(p.parts)-1] {
		i := strings.Index(f.text[at:], part)
		if i < 0 {
			return false
		}
		at += i + len(part)
	}
	for ; at <= len(f.text); at++ {
		i := strings.Index(f.text[at:], last)
		if i < 0 {
			return false
		}
		at += i
		if p.ending || slices.Contains(f.words, at+len(last)) {
			return true
		}
	}
	return false
}
