package otlpconfig

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Endpoint is where an OTLP server listens.
type Endpoint struct {
	host   string // with the port
	secure bool
	base   string // of the paths of OTLP over HTTP; "" or "/x/y"
	traces string // the path of spans over HTTP
}

// String returns the endpoint as a URL without its path, which may be a secret.
func (e Endpoint) String() string {
	if e.secure {
		return "https://" + e.host
	}
	return "http://" + e.host
}

// Host returns the host with its port.
func (e Endpoint) Host() string { return e.host }

// Secure says that TLS is spoken.
func (e Endpoint) Secure() bool { return e.secure }

// Loopback says that the host is this machine.
func (e Endpoint) Loopback() bool {
	host, _, _ := net.SplitHostPort(e.host)
	return loopback(host)
}

func loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// The paths of OTLP over HTTP.
const (
	tracesPath  = "/v1/traces"
	metricsPath = "/v1/metrics"
	logsPath    = "/v1/logs"
)

// URL returns where a signal goes over HTTP: "traces", "metrics" or "logs".
func (e Endpoint) URL(signal string) string {
	p := e.traces
	if signal != "traces" {
		p = e.base + "/v1/" + signal
	}
	return e.String() + p
}

// endpointText is an endpoint as it was written.
type endpointText struct {
	text, source string
	whole        bool // the path is that of spans, not the base of all paths
	unsaid       bool
}

func (r *resolver) endpointText(said *string) endpointText {
	if said != nil {
		return endpointText{text: strings.TrimSpace(*said)}
	}
	text, source := r.env("ENDPOINT")
	return endpointText{text: text, source: source, whole: source == prefix+"TRACES_ENDPOINT", unsaid: source == ""}
}

// impliedProtocol is the protocol where none is named. The variables of
// OpenTelemetry mean OTLP over HTTP unless they say otherwise, and many a
// program is started with nothing but an endpoint on that protocol's port.
func (t endpointText) impliedProtocol() Protocol {
	if t.source == "" {
		return GRPC
	}
	_, rest, ok := strings.Cut(t.text, "://")
	if !ok {
		rest = t.text
	}
	host, p, _ := strings.Cut(rest, "/")
	if strings.HasSuffix(host, ":4318") || p != "" {
		return HTTPProtobuf
	}
	return GRPC
}

// HTTPPort is the hint for the port that is most often taken for the right one.
const HTTPPort = "port 4318 is for OTLP over HTTP; write protocol: http/protobuf, or take gRPC, whose port is 4317"

const grpcPort = "port 4317 is for OTLP over gRPC; write protocol: grpc, or take HTTP, whose port is 4318"

// endpoint parses an endpoint by the rules of its protocol and reports whether
// there is one. What was written is shown only as far as it cannot be a secret.
func (r *resolver) endpoint(t endpointText, p Protocol, e *Endpoint) bool {
	insecure := false
	if t.source != "" && !strings.Contains(t.text, "://") {
		insecure = r.insecure()
	}
	if p == "" {
		return false // no rules to go by
	}
	fault := r.parse(t, p, insecure, e)
	if fault != "" {
		r.faultf("endpoint", t.source, "%s", fault)
	}
	return fault == ""
}

// parse returns what is wrong with an endpoint, or "".
func (r *resolver) parse(t endpointText, p Protocol, insecure bool, e *Endpoint) string {
	standard, form := "4317", "; write http://host:4317 or https://host:4317"
	if p == HTTPProtobuf {
		standard, form = "4318", "; write http://host:4318 or https://host:4318"
	}
	if t.unsaid {
		*e = Endpoint{host: "127.0.0.1:" + standard, traces: tracesPath}
		return ""
	}
	scheme, rest, ok := strings.Cut(t.text, "://")
	if !ok {
		scheme, rest = "", t.text
	}
	scheme = strings.ToLower(scheme)
	switch {
	case rest == "":
		return "it is empty" + form
	case ok && scheme != "http" && scheme != "https":
		return "the scheme is not supported" + form
	case strings.Contains(rest, "@"): // before url.Parse, whose errors quote their input
		return "a user or password in the URL is not supported; write auth or headers"
	}
	u, err := url.Parse("//" + rest)
	if err != nil || !validHost(u) {
		return "not a valid URL" + form
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(rest, "#") {
		return "OTLP has no query or fragment" + form
	}
	if u.Hostname() == "" {
		return "the host is missing" + form
	}
	e.secure = scheme == "https" || scheme == "" && !insecure && !loopback(u.Hostname())
	port := u.Port()
	if port == "" {
		port = impliedPort(scheme, p, standard)
	}
	number, err := strconv.Atoi(port)
	switch {
	case port == "":
		return "the port is missing" + form
	case err != nil || number < 1 || number > 65535:
		return "the port is not between 1 and 65535" + form
	case p == GRPC && number == 4318:
		return HTTPPort
	case p == HTTPProtobuf && number == 4317:
		return grpcPort
	case r.Ports[number] != "":
		return r.Ports[number]
	}
	e.host = net.JoinHostPort(u.Hostname(), strconv.Itoa(number))
	if p == GRPC {
		if strings.Trim(u.Path, "/") != "" {
			return "OTLP over gRPC has no path; leave it out, or write protocol: http/protobuf"
		}
		return ""
	}
	var fault string
	e.base, e.traces, fault = paths(u, t.whole)
	return fault
}

// validHost says whether a host is a name as DNS has them, or an address, in
// brackets if it has colons. Zones are for neighbours on one cable.
func validHost(u *url.URL) bool {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Zone() == ""
	}
	return !strings.ContainsFunc(host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-_", c)
	})
}

// impliedPort is the port of an endpoint without one: that of the scheme, as in
// any URL, or of the protocol when there is no scheme. Nobody means port 80 with
// gRPC.
func impliedPort(scheme string, p Protocol, standard string) string {
	switch {
	case scheme == "":
		return standard
	case scheme == "https":
		return "443"
	case p == HTTPProtobuf:
		return "80"
	default:
		return ""
	}
}

// paths returns the base of the paths of OTLP over HTTP and that of spans, or what
// is wrong with them, by the rules of
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp.
func paths(u *url.URL, whole bool) (base, traces, fault string) {
	p := u.EscapedPath()
	if p != "" {
		p = strings.TrimSuffix(path.Clean(p), "/")
	}
	switch base, isTraces := strings.CutSuffix(p, tracesPath); {
	case strings.HasSuffix(p, metricsPath) || strings.HasSuffix(p, logsPath):
		return "", "", "the path is that of another signal; leave out what begins at /v1"
	case isTraces:
		return base, p, ""
	case whole && p == "":
		return "", "/", ""
	case whole:
		return "", p, ""
	default:
		return p, p + tracesPath, ""
	}
}
