package manifest

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spanloom/spanloom/privacy"
)

// eachString calls check with every string of the list at a place, and where it stands.
func (p *parser) eachString(doc any, location []string, check func(pl place, text string)) {
	for i, item := range at[[]any](doc, location...) {
		pl := p.locate(p.root, "", append(slices.Clip(location), strconv.Itoa(i)))
		if text, ok := item.(string); ok && !p.broken[pl.node] {
			check(pl, text)
		}
	}
}

var (
	// baggageForm is the key of a member: a token of HTTP.
	// https://www.w3.org/TR/baggage/#key
	baggageForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	hostForm    = regexp.MustCompile(`^\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
)

func (p *parser) checkPropagation(doc any) {
	p.eachString(doc, []string{"telemetry", "propagation", "baggage"}, func(pl place, key string) {
		if !baggageForm.MatchString(key) {
			p.errorf(pl.node, pl.path, "%q is not the key of a member of baggage; write it like tenant.id", p.shown(pl.node))
		}
	})
	p.eachString(doc, []string{"telemetry", "propagation", "hosts"}, func(pl place, host string) {
		if hostForm.MatchString(host) || net.ParseIP(host) != nil {
			return
		}
		hint := "write it like api.example.com"
		_, afterScheme, scheme := strings.Cut(host, "://")
		switch rest, star := strings.CutPrefix(host, "*."); {
		case p.written[pl.node] != "": // a hint would show the value
		case star && hostForm.MatchString(rest):
			hint = "write " + strconv.Quote("."+clip(rest)) + " for all hosts below it"
		case scheme:
			hint = "write the name only, without " + strconv.Quote(clip(strings.TrimSuffix(host, afterScheme)))
		case strings.Contains(host, ":"):
			hint = "write the name only, without a port"
		}
		p.errorf(pl.node, pl.path, "%q is not the name of a host; %s", p.shown(pl.node), hint)
	})
}

// checkRedact asks privacy, which uses the patterns, what it thinks of each.
func (p *parser) checkRedact(doc any) {
	p.eachString(doc, []string{"telemetry", "capture", "redact"}, func(pl place, text string) {
		_, err := privacy.NewRedactor(text)
		fault, ok := errors.AsType[*privacy.PatternError](err)
		if !ok {
			return
		}
		reason := fault.Reason
		if _, secret := p.written[pl.node]; secret { // it may repeat a part of the value
			reason = "is not a pattern"
		}
		p.errorf(pl.node, pl.path, "%q %s", p.shown(pl.node), reason)
	})
}

// checkEnv checks the names of the variables for the i-th backend.
func (p *parser) checkEnv(doc any, i int) {
	entry := at[[]any](doc, backendsPath...)[i]
	for j, item := range at[[]any](entry, "env") {
		pl := entryPlace(p, i, "env", strconv.Itoa(j))
		name, ok := item.(string)
		if !ok || p.broken[pl.node] {
			continue
		}
		before, _, assigned := strings.Cut(name, "=")
		switch _, secret := p.written[pl.node]; {
		case strings.HasPrefix(name, "SPANLOOM_BACKEND_") || strings.HasPrefix(name, "PLUGIN_"):
			p.errorf(pl.node, pl.path, "%q is set by Spanloom itself", p.shown(pl.node))
		case envName.MatchString(name):
			if _, set := p.opts.lookup(name); !set {
				p.warnf(pl.node, pl.path, "%s is not set; the backend does not get it", p.shown(pl.node))
			}
		case assigned && !secret && envName.MatchString(before):
			// Not the rest: it may be the secret itself.
			p.errorf(pl.node, pl.path, "holds a value; write the name only, %s, whose value is that of the program's environment", clip(before))
		case secret:
			p.errorf(pl.node, pl.path, "%q is not the name of a variable", p.shown(pl.node))
		default:
			p.errorf(pl.node, pl.path, "not the name of a variable; write it like COLLECTOR_TOKEN")
		}
	}
}
