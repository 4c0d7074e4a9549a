package manifest

import (
	"cmp"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/spanloom/spanloom/privacy"
)

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	bareEnv = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(:-.*)?$`)
)

// substituteAll replaces the references in n and below. What an overlay has taken
// away is not there any more, so that its variables need not be set.
func (p *parser) substituteAll(n *yaml.Node, path string) {
	if p.broken[n] {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			// Of equal keys the first counts.
			if key := n.Content[i]; key.Kind == yaml.ScalarNode && p.keys(n)[key.Value] == i {
				p.substituteAll(n.Content[i+1], joinKey(path, key.Value))
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			p.substituteAll(item, joinIndex(path, i))
		}
	case yaml.ScalarNode:
		p.substitute(n, path)
	}
}

// substitute replaces the references in a scalar, once, and remembers its text as
// it may be shown.
func (p *parser) substitute(n *yaml.Node, path string) {
	if p.resolved[n] {
		return
	}
	p.resolved[n] = true
	p.replace(n, path)
	if !p.broken[n] && strings.ContainsRune(n.Value, 0) {
		p.breakf(n, path, "NUL is not allowed in a value")
	}
}

func (p *parser) replace(n *yaml.Node, path string) {
	if !strings.Contains(n.Value, "$") {
		return
	}
	var value, written strings.Builder
	references := false
	for rest := n.Value; rest != ""; {
		before, after, ok := strings.Cut(rest, "$")
		value.WriteString(before)
		written.WriteString(before)
		if !ok {
			break
		}
		switch {
		case strings.HasPrefix(after, "$"):
			value.WriteByte('$')
			written.WriteString("$$")
			rest = after[1:]
		case strings.HasPrefix(after, "{"):
			body, tail, closed := strings.Cut(after[1:], "}")
			if !closed {
				p.breakf(n, path, `"${" is not closed; write ${env:NAME}, or $${ for the characters themselves`)
				return
			}
			text, shown, ok := p.reference(n, path, body)
			if !ok {
				return
			}
			value.WriteString(text)
			written.WriteString(shown)
			references, rest = true, tail
		default:
			value.WriteByte('$')
			written.WriteByte('$')
			rest = after
		}
	}
	n.Value = value.String()
	if !references {
		return
	}
	p.written[n] = written.String()
	// A plain scalar gets its type from what it became, so that a bool or a
	// number can come from the environment. Empty stays a string: a variable
	// that is set and empty is not a missing value.
	if n.Style&(quoted|yaml.TaggedStyle) == 0 {
		n.Tag = ""
		if n.Value == "" {
			n.Tag = "!!str"
		}
	}
}

// reference resolves what stands between ${ and }.
func (p *parser) reference(n *yaml.Node, path, body string) (value, shown string, ok bool) {
	kind, arg, hasKind := strings.Cut(body, ":")
	if !hasKind || kind != "env" {
		switch {
		case bareEnv.MatchString(body):
			name, _, _ := strings.Cut(body, ":-")
			p.breakf(n, path, "${%s} has no kind; write ${env:%s}", clip(name), clip(name))
		case hasKind:
			p.breakf(n, path, `"${%s:…}" is not a known kind of reference; write ${env:NAME}`, clip(kind))
		default:
			p.breakf(n, path, "not a reference; write ${env:NAME}, or $${ for the characters themselves")
		}
		return "", "", false
	}
	name, fallback, hasDefault := strings.Cut(arg, ":-")
	if !envName.MatchString(name) {
		p.breakf(n, path, "not the name of a variable; write ${env:NAME} or ${env:NAME:-default}")
		return "", "", false
	}
	if strings.Contains(fallback, "${") {
		p.breakf(n, path, "the default of ${env:%s} holds another reference; a default is plain text", clip(name))
		return "", "", false
	}
	shown = "${env:" + name + "}"
	p.variables[n] = append(p.variables[n], name)
	given, set := p.opts.lookup(name)
	value = given
	switch {
	case !set && !hasDefault:
		p.breakf(n, path, "%s is not set; set it, or give a default: ${env:%s:-default}", clip(shown), clip(name))
		return "", "", false
	case value == "" && hasDefault:
		value = fallback
	case !utf8.ValidString(value):
		p.breakf(n, path, "the value of %s is not UTF-8", clip(shown))
		return "", "", false
	}
	if value == given && value != "" {
		p.secrets[value] = shown
	}
	return value, shown, true
}

// minSecret is the length in bytes from which a value is kept out of texts:
// shorter ones occur in them by chance.
const minSecret = 4

// Redact returns text with every value of the environment that the manifest
// refers to replaced by its reference, such as ${env:TOKEN}. Values shorter than
// four bytes stay. Texts that are made of the manifest's values, such as an error
// of the system with a path, go through it before they are shown or logged.
func (m *Manifest) Redact(text string) string {
	if m.redact == nil {
		return text
	}
	return m.redact.Replace(text)
}

// Redactor returns what hides secrets in the telemetry of runs: by the names and
// forms of capture.redact and of package privacy, and the values that the manifest
// has by references.
func (m *Manifest) Redactor() *privacy.Redactor { return m.redactor }

// redactor returns what replaces secrets, keys, by their references, in all the
// forms in which they are likely to be met.
func redactor(secrets map[string]string) *strings.Replacer {
	forms := map[string]string{}
	for value, shown := range secrets {
		for _, form := range formsOf(value) {
			// One value may have two names; which one is shown must not change.
			if old, ok := forms[form]; len(form) >= minSecret && (!ok || shown < old) {
				forms[form] = shown
			}
		}
	}
	if len(forms) == 0 {
		return nil
	}
	var list []string
	for form := range forms {
		list = append(list, form)
	}
	slices.SortFunc(list, func(a, b string) int { // the first that matches wins
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, form := range list {
		pairs = append(pairs, form, forms[form])
	}
	return strings.NewReplacer(pairs...)
}

// formsOf returns a value as it may stand in a text: quoted, as a path, as a part
// of a URL, and the parts of a URL.
func formsOf(value string) []string {
	quote := func(s string) string { return s[1 : len(s)-1] }
	forms := []string{
		value, strings.TrimSpace(value), quote(strconv.Quote(value)), quote(strconv.QuoteToGraphic(value)),
		filepath.Clean(value), url.PathEscape(value), url.QueryEscape(value), strings.ToLower(value),
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		password, _ := u.User.Password()
		forms = append(forms, u.String(), u.Redacted(), u.Host, u.Hostname(), u.User.Username(), password)
	}
	return forms
}
