package otlptrace

import (
	"errors"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
)

func TestParseEndpoint(t *testing.T) {
	ports := map[int]string{4318: HTTPPort}
	for raw, want := range map[string]string{
		"http://127.0.0.1:4317":       "http://127.0.0.1:4317",
		"https://collector:443":       "https://collector:443",
		"HTTP://[::1]:4317/":          "http://[::1]:4317",
		"\thttp://127.0.0.1:4317\n":   "http://127.0.0.1:4317",
		"":                            "scheme is missing",
		"127.0.0.1:4317":              "scheme is missing; write http://host:4317 or https://host:4317",
		"grpc://h:4317":               "scheme is not supported",
		"unix:///tmp/x":               "scheme is not supported",
		"http://h":                    "port is missing",
		"http://:4317":                "host is missing",
		"http://h:":                   "port is missing",
		"http://h:0":                  "not between",
		"http://h:65536":              "not between",
		"http://h:x":                  "not a valid URL",
		"http://h:4317/v1/traces":     "no path",
		"http://h:4317?key=s3cret":    "no query",
		"http://h:4317#s3cret":        "no query",
		"http://u:s3cret@h:4317":      "user or password",
		"http://s3cret@h:4317":        "user or password",
		"http://h%zz:s3cret@h:4317/x": "user or password",
		"http://h:4318":               "gRPC, whose port is 4317",
		"http://h:4317/%zzs3cret":     "not a valid URL",
	} {
		e, err := ParseEndpoint(raw, "", ports)
		if err == nil {
			if got := e.String(); got != want {
				t.Errorf("%q is %s, want %s", raw, got, want)
			}
			continue
		}
		var ce *backend.ConfigError
		if !errors.As(err, &ce) || ce.Key != "endpoint" || !strings.Contains(ce.Message, want) {
			t.Errorf("%q: error %v, want %q", raw, err, want)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error shows a secret: %v", raw, err)
		}
	}
	if _, err := ParseEndpoint("x", "OTEL_X", nil); err == nil || !strings.Contains(err.Error(), "OTEL_X: the scheme") {
		t.Errorf("the source is not named: %v", err)
	}
}

func FuzzParseEndpoint(f *testing.F) {
	f.Add("http://127.0.0.1:4317")
	f.Add("https://u:p@h:1/x?y#z")
	f.Fuzz(func(t *testing.T, raw string) {
		e, err := ParseEndpoint(raw, "", nil)
		if err != nil {
			return
		}
		again, err := ParseEndpoint(e.String(), "", nil)
		if err != nil || again != e {
			t.Errorf("%q is %s, which is %v, %v", raw, e, again, err)
		}
	})
}
