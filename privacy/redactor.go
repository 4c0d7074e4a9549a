package privacy

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Redactor replaces what is secret by [Mark]. The zero Redactor and a nil one work,
// with what every Redactor knows; only [Redactor.Add] needs one that is not nil.
// Its methods are safe for concurrent use.
type Redactor struct {
	own    []pattern
	known  atomic.Pointer[knownValues]
	adding sync.Mutex
	names  nameCache
}

// NewRedactor returns a Redactor that takes names that match one of the patterns
// for names of secrets, beside those that it knows: passwords, secrets, tokens,
// API and private keys, credentials, cookies, authorization, session ids and the
// like.
//
// A pattern is one of these; none depends on case:
//
//   - words, which match a name that has them, however it joins words: "api_key"
//     matches apiKey, x-api-key, API_KEY, service.apikey, but not apiKeys
//   - words with stars, which stand for any characters, so that the pattern need
//     not begin or end with a word: "*token" matches mytoken, "*token*" tokenizer
//   - what has another character of ?[](){}|^$+\ is a regular expression (RE2),
//     which matches a part of the name as it is: "api[_-]?key"
//
// The error joins a [*PatternError] for each pattern that is none of these.
func NewRedactor(patterns ...string) (*Redactor, error) {
	r := &Redactor{}
	var errs []error
	for i, text := range patterns {
		p, err := parse(text)
		if err != nil {
			errs = append(errs, &PatternError{Index: i, Pattern: text, Reason: err.Error()})
			continue
		}
		r.own = append(r.own, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

// longestName is the length in bytes of the longest name that is looked at.
const longestName = 256

// Key reports whether name is the name of a secret. A name of more than 256 bytes
// always is.
func (r *Redactor) Key(name string) bool {
	if len(name) > longestName {
		return true
	}
	if r == nil {
		return r.secret(name)
	}
	return r.names.get(name, func() bool { return r.secret(name) })
}

func (r *Redactor) secret(name string) bool {
	f := fold(name)
	matches := func(p pattern) bool { return p.matches(name, f) }
	return slices.ContainsFunc(builtIn, matches) || r != nil && slices.ContainsFunc(r.own, matches)
}

// nameCache remembers some answers: most names are asked for again and again.
type nameCache struct {
	answers sync.Map // string -> bool
	n       atomic.Int32
}

func (c *nameCache) get(name string, ask func() bool) bool {
	const most = 1024
	if answer, ok := c.answers.Load(name); ok {
		return answer.(bool) //nolint:forcetypeassert // nothing else is stored
	}
	answer := ask()
	if c.n.Load() < most {
		c.n.Add(1)
		c.answers.Store(strings.Clone(name), answer)
	}
	return answer
}

// Text returns a text, such as that of an error or a log record, without
//
//   - the values that [Redactor.Add] was told
//   - values of names of secrets: token=x, "token": "x", Token:[x y], --token=x
//   - what follows Bearer, and Basic if it is base64 of a user and a password
//   - users and passwords in URLs, and passwords in user:password@host:port and
//     user:password@tcp(host)/name
//
// What it takes for secret goes as a whole. Where an end is unclear, more goes.
func (r *Redactor) Text(s string) string {
	shown, _ := r.text(s, math.MaxInt, false)
	return shown
}

// Clip is [Redactor.Text] of at most limit bytes. Longer text is cut at a rune
// and ends with "...". It costs what the limit allows and not what the length of
// the text does.
func (r *Redactor) Clip(s string, limit int) string {
	const dots = "..."
	limit = min(max(limit, 0), maxClip)
	w := r.window(limit + 1)
	shown, all := r.text(s[:min(len(s), w)], limit+1, len(s) > w)
	if all && len(shown) <= limit {
		return shown
	}
	end := min(len(shown), max(limit-len(dots), 0))
	for end > 0 && end < len(shown) && !utf8.RuneStart(shown[end]) {
		end--
	}
	return shown[:end] + dots[:min(limit, len(dots))]
}

const maxClip = 1 << 30

// window returns how many bytes of a text are looked at to show n.
func (r *Redactor) window(n int) int {
	const more = 4 << 10 // of secrets that are shorter when they are replaced
	return 4*n + more + reach + r.values().longest
}

func (r *Redactor) values() *knownValues {
	if r != nil {
		if k := r.known.Load(); k != nil {
			return k
		}
	}
	return &noValues
}
