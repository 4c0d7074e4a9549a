package manifest

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	bareEnv = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(:-.*)?$`)
)

// substitute replaces the references in a scalar and remembers its text as it
// may be shown.
func (p *parser) substitute(n *yaml.Node, path string) {
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
	value, set := p.opts.lookup(name)
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
	return value, shown, true
}
