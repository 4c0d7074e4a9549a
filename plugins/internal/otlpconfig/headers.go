package otlpconfig

import (
	"maps"
	"slices"
	"strings"
)

// auth is a header with a key, in the words of those who hand keys out.
type auth struct {
	Bearer *Secret `json:"bearer"`
	APIKey *struct {
		Header string `json:"header"`
		Value  Secret `json:"value"`
	} `json:"api_key"`
}

// reserved headers are the protocol's own.
var reserved = map[string]bool{
	"accept-encoding": true, "connection": true, "content-encoding": true, "content-length": true, "content-type": true,
	"expect": true, "host": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true, "user-agent": true,
}

// harmless headers name a tenant and are no key. All others may be one.
var harmless = map[string]bool{"x-scope-orgid": true, "x-tenant-id": true}

// headers returns what is sent with each request. Those of the environment count
// only where the config has no headers, and never against auth.
func (r *resolver) headers(cfg config) map[string]Secret {
	list := map[string]Secret{}
	keys := map[string]string{} // where in the config each is from
	add := func(key, source, name string, value Secret) {
		lower := strings.ToLower(name)
		if other, ok := keys[lower]; ok {
			if source == "" {
				r.faultf(key, "", "the header is also set by %s; write it once", other)
			}
			return
		}
		keys[lower] = key
		list[lower] = r.header(key, source, lower, value)
	}
	if b := cfg.Auth.Bearer; b != nil {
		token := strings.TrimSpace(b.Reveal())
		switch {
		case token == "":
			r.faultf("auth.bearer", "", "it is empty; write the token, or leave the key out")
		case len(token) > 6 && strings.EqualFold(token[:7], "bearer "):
			r.faultf("auth.bearer", "", `write the token alone; the word "Bearer" is put before it`)
		case strings.ContainsAny(token, " \t\r\n"):
			r.faultf("auth.bearer", "", "a token has no spaces or line breaks")
		default:
			add("auth.bearer", "", "authorization", NewSecret("Bearer "+token))
		}
	}
	if k := cfg.Auth.APIKey; k != nil {
		switch {
		case k.Header == "":
			r.faultf("auth.api_key.header", "", "it is missing; write the header's name, such as x-api-key")
		case strings.TrimSpace(k.Value.Reveal()) == "":
			r.faultf("auth.api_key.value", "", "it is empty; write the key, or leave api_key out")
		default:
			add("auth.api_key", "", k.Header, k.Value)
		}
	}
	said, source := cfg.Headers, ""
	if said == nil {
		said, source = r.envHeaders()
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		key := "headers"
		if source == "" {
			key = "headers." + name
		}
		add(key, source, name, said[name])
	}
	return list
}

// header checks one header by the rules of both protocols: names of RFC 9110,
// section 5.6.2, and values that gRPC can carry, which is printable ASCII.
func (r *resolver) header(key, source, name string, value Secret) Secret {
	text := strings.TrimSpace(value.Reveal())
	switch {
	case name == "" || strings.ContainsFunc(name, notToken):
		r.faultf(key, source, "a header's name has letters, digits, - and _ only")
	case reserved[name] || strings.HasPrefix(name, "grpc-"):
		r.faultf(key, source, "this header is the protocol's own and cannot be set")
	case strings.HasSuffix(name, "-bin"):
		r.faultf(key, source, "headers with bytes, whose names end in -bin, are not supported")
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }):
		r.faultf(key, source, "the value has a character that headers cannot carry, such as a line break or a letter that is not ASCII")
	}
	return NewSecret(text)
}

func notToken(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.", c)
}

// plainText refuses to send keys where others can read them.
func (r *resolver) plainText(cfg config, raw endpointText, s Settings) {
	if s.Endpoint.Secure() || s.Endpoint.Loopback() {
		return
	}
	what := ""
	switch {
	case cfg.Auth.Bearer != nil:
		what = "auth.bearer"
	case cfg.Auth.APIKey != nil:
		what = "auth.api_key"
	default:
		for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
			if !harmless[name] {
				what = "a header that may be a key"
				break
			}
		}
	}
	if what != "" {
		r.faultf("endpoint", raw.source, "%s would go to another machine in plain text; write https://", what)
	}
}
