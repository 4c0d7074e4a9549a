package otlptrace

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spanloom/spanloom/backend"
)

// Endpoint is where an OTLP/gRPC server listens.
type Endpoint struct {
	host   string // with the port
	secure bool
}

// String returns the endpoint as a URL. It has no credentials: an endpoint with
// such is refused.
func (e Endpoint) String() string {
	if e.secure {
		return "https://" + e.host
	}
	return "http://" + e.host
}

const form = "write http://host:4317 or https://host:4317"

// ParseEndpoint returns the endpoint that raw is the URL of. ports says what is
// wrong with well-known ports that speak something else; source says where raw
// comes from when that is not the config's endpoint. What raw holds is shown
// only as far as it cannot be a secret.
func ParseEndpoint(raw, source string, ports map[int]string) (Endpoint, error) {
	fail := func(format string, args ...any) (Endpoint, error) {
		msg := fmt.Sprintf(format, args...)
		if source != "" {
			msg = source + ": " + msg
		}
		return Endpoint{}, &backend.ConfigError{Key: "endpoint", Message: msg}
	}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if !ok {
		return fail("the scheme is missing; %s", form)
	}
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return fail("the scheme is not supported; %s", form)
	}
	// Before url.Parse, whose errors quote their input.
	if strings.Contains(rest, "@") {
		return fail("a user or password in the URL is not supported; %s", form)
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil {
		return fail("not a valid URL; %s", form)
	}
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fail("OTLP over gRPC has no query or fragment; %s", form)
	case strings.Trim(u.Path, "/") != "":
		return fail("OTLP over gRPC has no path (the paths are of OTLP over HTTP); %s", form)
	case u.Hostname() == "":
		return fail("the host is missing; %s", form)
	case u.Port() == "":
		return fail("the port is missing; %s", form)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil || port < 1 || port > 65535 {
		return fail("the port is not between 1 and 65535; %s", form)
	}
	if hint, ok := ports[port]; ok {
		return fail("%s", hint)
	}
	return Endpoint{host: u.Host, secure: scheme == "https"}, nil
}

// HTTPPort is the hint for the port that is most often taken for the right one.
const HTTPPort = "port 4318 is for OTLP over HTTP; this backend speaks gRPC, whose port is 4317"
