package otlptrace

import (
	"net/url"
	"strings"

	"google.golang.org/grpc/metadata"
)

// variable returns what the environment says about a signal, or about all: the
// first wins as a whole, by the rules of the OpenTelemetry specification for
// exporters.
func variable(getenv func(string) string, s *signal, name string) string {
	if getenv == nil {
		return ""
	}
	if v := getenv("OTEL_EXPORTER_OTLP_" + s.variable + "_" + name); v != "" {
		return v
	}
	return getenv("OTEL_EXPORTER_OTLP_" + name)
}

// headers returns what to send with each request of a signal. Entries that are
// not key=value, with a percent-encoded value, are left out: an error would have
// to show what may be a secret.
func headers(getenv func(string) string, s *signal) metadata.MD {
	md := metadata.MD{}
	for entry := range strings.SplitSeq(variable(getenv, s, "HEADERS"), ",") {
		key, value, ok := strings.Cut(entry, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if ok && err == nil && isKey(key) && isText(value) {
			md.Set(key, value)
		}
	}
	return md
}

// isKey says what gRPC takes as the key of a header.
func isKey(s string) bool {
	return s != "" && !strings.HasPrefix(s, "grpc-") &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// isText says what gRPC takes as its value.
func isText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
