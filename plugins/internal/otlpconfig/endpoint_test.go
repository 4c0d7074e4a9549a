package otlpconfig

import (
	"strings"
	"testing"
)

// parseEndpoint parses what a config says, and returns the mistake.
func parseEndpoint(raw string, p Protocol) (Endpoint, string) {
	r := &resolver{Profile: Profile{Env: func(string) string { return "" }}}
	var e Endpoint
	fault := r.parse(endpointText{text: strings.TrimSpace(raw)}, p, false, &e)
	return e, fault
}

func TestEndpoint(t *testing.T) {
	for raw, want := range map[string]struct{ grpc, http string }{
		"http://127.0.0.1:4317":        {"http://127.0.0.1:4317", "port 4317 is for OTLP over gRPC; write protocol: grpc"},
		"http://127.0.0.1:4318":        {"port 4318 is for OTLP over HTTP; write protocol: http/protobuf", "http://127.0.0.1:4318/v1/traces"},
		"https://collector:443":        {"https://collector:443", "https://collector:443/v1/traces"},
		"HTTP://[::1]:1/":              {"http://[::1]:1", "http://[::1]:1/v1/traces"},
		"\thttp://127.0.0.1:1\n":       {"http://127.0.0.1:1", "http://127.0.0.1:1/v1/traces"},
		"https://vendor.example":       {"https://vendor.example:443", "https://vendor.example:443/v1/traces"},
		"http://h":                     {"port is missing", "http://h:80/v1/traces"},
		"h":                            {"https://h:4317", "https://h:4318/v1/traces"},
		"h:1":                          {"https://h:1", "https://h:1/v1/traces"},
		"localhost":                    {"http://localhost:4317", "http://localhost:4318/v1/traces"},
		"a.localhost.:1":               {"http://a.localhost.:1", "http://a.localhost.:1/v1/traces"},
		"127.9.9.9:1":                  {"http://127.9.9.9:1", "http://127.9.9.9:1/v1/traces"},
		"[::ffff:127.0.0.1]:1":         {"http://[::ffff:127.0.0.1]:1", "http://[::ffff:127.0.0.1]:1/v1/traces"},
		"128.0.0.1:1":                  {"https://128.0.0.1:1", "https://128.0.0.1:1/v1/traces"},
		"localhost.evil.example:1":     {"https://localhost.evil.example:1", "https://localhost.evil.example:1/v1/traces"},
		"https://h:1/v1/traces":        {"no path", "https://h:1/v1/traces"},
		"https://h:1/v1/traces/":       {"no path", "https://h:1/v1/traces"},
		"https://h:1/otlp":             {"no path", "https://h:1/otlp/v1/traces"},
		"https://h:1/otlp/v1/traces":   {"no path", "https://h:1/otlp/v1/traces"},
		"https://h:1/a%2Fb/../c":       {"no path", "https://h:1/c/v1/traces"},
		"https://h:1/v1/metrics":       {"no path", "path is that of another signal"},
		"https://h:1/v1/logs":          {"no path", "path is that of another signal"},
		"":                             {"empty; write http://host:4317", "empty; write http://host:4318"},
		"https://":                     {"empty", "empty"},
		"grpc://h:1":                   {"scheme is not supported", "scheme is not supported"},
		"unix:///tmp/x":                {"scheme is not supported", "scheme is not supported"},
		"http://:1":                    {"host is missing", "host is missing"},
		":1":                           {"host is missing", "host is missing"},
		"http://h:":                    {"port is missing", "http://h:80/v1/traces"},
		"http://h:0":                   {"not between", "not between"},
		"http://h:65536":               {"not between", "not between"},
		"http://h:x":                   {"not a valid URL", "not a valid URL"},
		"http://h h:1":                 {"not a valid URL", "not a valid URL"},
		"http://h:1?key=s3cret":        {"no query", "no query"},
		"http://h:1#s3cret":            {"no query", "no query"},
		"http://u:s3cret@h:1":          {"user or password", "user or password"},
		"s3cret@h:1":                   {"user or password", "user or password"},
		"http://h%zz:s3cret@h:1/x":     {"user or password", "user or password"},
		"http://h:1/%zzs3cret":         {"not a valid URL", "not a valid URL"},
		"http://2001:db8::1:4317":      {"not a valid URL", "not a valid URL"},
		"https://[2001:db8::1]":        {"https://[2001:db8::1]:443", "https://[2001:db8::1]:443/v1/traces"},
		"https://h:1//v1//traces":      {"no path", "https://h:1/v1/traces"},
		"https://h:1/v1/traces/s3cret": {"no path", "https://h:1/v1/traces/s3cret/v1/traces"},
	} {
		for p, want := range map[Protocol]string{GRPC: want.grpc, HTTPProtobuf: want.http} {
			e, fault := parseEndpoint(raw, p)
			got := fault
			if fault == "" {
				got = e.String()
				if p == HTTPProtobuf {
					got = e.URL("traces")
				}
			} else if strings.Contains(fault, "s3cret") {
				t.Errorf("%q over %s: the error shows a secret: %s", raw, p, fault)
			}
			if fault == "" && got != want || fault != "" && !strings.Contains(got, want) {
				t.Errorf("%q over %s is %s, want %s", raw, p, got, want)
			}
			if strings.Contains(e.String(), "s3cret") {
				t.Errorf("%q over %s is shown as %s", raw, p, e)
			}
		}
	}
}

func TestOtherSignals(t *testing.T) {
	for raw, want := range map[string]string{
		"h:1": "https://h:1/v1/metrics", "h:1/v1/traces": "https://h:1/v1/metrics", "h:1/a/v1/traces": "https://h:1/a/v1/metrics",
	} {
		if e, fault := parseEndpoint(raw, HTTPProtobuf); fault != "" || e.URL("metrics") != want {
			t.Errorf("metrics of %s go to %s, want %s; %s", raw, e.URL("metrics"), want, fault)
		}
	}
}

func FuzzEndpoint(f *testing.F) {
	f.Add("http://127.0.0.1:4317", false)
	f.Add("https://u:p@h:1/x?y#z", true)
	f.Add("[::1%25eth0]:1", true)
	f.Add("h:1/a%2fb/../v1/traces", true)
	f.Fuzz(func(t *testing.T, raw string, overHTTP bool) {
		p := GRPC
		if overHTTP {
			p = HTTPProtobuf
		}
		e, fault := parseEndpoint(raw, p)
		if fault != "" {
			return
		}
		text := e.String()
		if overHTTP {
			text = e.URL("traces")
		}
		again, fault := parseEndpoint(text, p)
		if fault != "" || again != e {
			t.Errorf("%q is %s, which is %+v, %s", raw, text, again, fault)
		}
		if !e.Secure() && !e.Loopback() && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(raw)), "http://") {
			t.Errorf("%q is plain text to another machine", raw)
		}
	})
}
