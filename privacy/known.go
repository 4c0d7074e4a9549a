package privacy

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// minSecret is the length in bytes from which a value is looked for: shorter ones
// occur in texts by chance.
const minSecret = 4

// knownValues finds values in texts. It is never changed.
type knownValues struct {
	shown   map[string]string   // form of a value -> what stands for it
	by      map[string][]string // its first bytes -> forms, the longest first
	first   [256]bool           // bytes that forms begin with
	longest int
}

var noValues knownValues

// Add makes the Redactor replace value by shown wherever it occurs: as it is,
// trimmed, in lower case, quoted, escaped for JSON, HTML or a URL, as a path, in
// hexadecimal and base64 digits, inside of longer base64 too; and if it is a URL,
// its host and user also. Values shorter than 4 bytes are not looked for. An empty
// shown is [Mark]; it must not be secret.
//
// What was returned before is not changed by it. Each Add costs time for all
// values so far.
func (r *Redactor) Add(value, shown string) {
	r.adding.Lock()
	defer r.adding.Unlock()
	all := maps.Clone(r.values().shown)
	if all == nil {
		all = map[string]string{}
	}
	shown = cmp.Or(shown, Mark)
	for _, form := range formsOf(value) {
		// One value may have two names; which one is shown must not change.
		if old, ok := all[form]; len(form) >= minSecret && (!ok || shown < old) {
			all[form] = shown
		}
	}
	r.known.Store(index(all))
}

func index(all map[string]string) *knownValues {
	k := &knownValues{shown: all, by: map[string][]string{}}
	for form := range all {
		k.by[form[:minSecret]] = append(k.by[form[:minSecret]], form)
		k.first[form[0]] = true
		k.longest = max(k.longest, len(form))
	}
	for _, list := range k.by {
		slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return k
}

// at returns the longest form that s begins with, or "".
func (k *knownValues) at(s string) string {
	if len(s) < minSecret || !k.first[s[0]] {
		return ""
	}
	for _, form := range k.by[s[:minSecret]] {
		if strings.HasPrefix(s, form) {
			return form
		}
	}
	return ""
}

// formsOf returns a value as it may stand in a text.
func formsOf(value string) []string {
	inner := func(s string) string { return s[1 : len(s)-1] }
	escaped, _ := json.Marshal(value) //nolint:errchkjson // a string
	forms := []string{
		value, strings.TrimSpace(value), strings.ToLower(value),
		inner(strconv.Quote(value)), inner(strconv.QuoteToGraphic(value)), inner(strconv.QuoteToASCII(value)),
		inner(string(escaped)), inner(strconv.Quote(inner(string(escaped)))), html.EscapeString(value),
		url.PathEscape(value), url.QueryEscape(value),
		filepath.Clean(value),
	}
	if len(value) >= minSecret {
		digits := hex.EncodeToString([]byte(value))
		forms = append(forms, digits, strings.ToUpper(digits))
		forms = append(forms, base64Of(value)...)
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		password, _ := u.User.Password()
		forms = append(forms, u.String(), u.Redacted(), u.Host, u.Hostname(), u.User.Username(), password)
	}
	return forms
}

// base64Of returns the base64 forms of a value, and of what stays the same of them
// behind one or two other bytes and before any, if that is not too short.
func base64Of(value string) (forms []string) {
	const least = 8 // digits, that do not occur by chance
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, enc.EncodeToString([]byte(value)))
		for before := range 3 {
			// Six bits to a digit: those that hold bits of the value only stay.
			all := enc.EncodeToString(append(make([]byte, before), value...))
			begin := (8*before + 5) / 6
			if end := 8 * (before + len(value)) / 6; end-begin >= least {
				forms = append(forms, all[begin:end])
			}
		}
	}
	return forms
}
