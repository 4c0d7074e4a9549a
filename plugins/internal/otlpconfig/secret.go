package otlpconfig

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// mask is what is shown in place of a secret.
const mask = "***"

// Secret is a text that is not shown by any way of printing it: the text stands
// behind a pointer, which is all that a look into the fields of a struct finds.
type Secret struct{ text *string }

// NewSecret returns text as a secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text, for the place where it is used.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("not a string")
	}
	s.text = &text
	return nil
}

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// minSecret is the length in bytes from which a secret is taken out of the texts
// of others: shorter ones occur in them by chance.
const minSecret = 4

// redactor returns what replaces secrets in texts that others made, such as a
// collector that repeats the key which it refuses.
func redactor(secrets []Secret) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		text := s.Reveal()
		for _, part := range append(strings.Fields(text), text) {
			quoted := strconv.Quote(part)
			forms = append(forms, part, quoted[1:len(quoted)-1], url.QueryEscape(part), url.PathEscape(part),
				strings.ToLower(part), strings.ToUpper(part),
				base64.StdEncoding.EncodeToString([]byte(part)), base64.RawURLEncoding.EncodeToString([]byte(part)))
		}
	}
	slices.SortFunc(forms, func(a, b string) int { // the first that matches wins
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, form := range slices.Compact(forms) {
		if len(form) >= minSecret && !strings.EqualFold(form, "bearer") && !strings.EqualFold(form, "basic") {
			pairs = append(pairs, form, mask)
		}
	}
	return strings.NewReplacer(pairs...)
}
