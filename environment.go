package spanloom

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/spanloom/spanloom/backend"
)

// disabled reports whether OTEL_SDK_DISABLED says so, by the rules of the
// OpenTelemetry specification: true in any case of letters, and nothing else.
func disabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// serviceName returns what the manifest says, else OTEL_SERVICE_NAME, else what
// OpenTelemetry's conventions say of a service without a name.
func serviceName(inManifest string) string {
	if inManifest != "" {
		return inManifest
	}
	if name := os.Getenv("OTEL_SERVICE_NAME"); name != "" {
		return name
	}
	return "unknown_service:" + filepath.Base(os.Args[0])
}

// environment returns the variables that a built-in backend gets: the otlp
// backend those of the OTLP exporters, and all the places of certificates.
func environment(name string) []string {
	var list []string
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		if key == "SSL_CERT_FILE" || key == "SSL_CERT_DIR" ||
			name == "otlp" && strings.HasPrefix(key, "OTEL_EXPORTER_OTLP_") {
			list = append(list, kv)
		}
	}
	return list
}

// terminal says what is known of f.
func terminal(f *os.File) backend.Terminal {
	fd := int(f.Fd())
	t := backend.Terminal{IsTerminal: term.IsTerminal(fd)}
	if t.IsTerminal {
		t.Width, _, _ = term.GetSize(fd)
	}
	t.Color = color(t.IsTerminal, os.Getenv)
	return t
}

// color follows NO_COLOR, CLICOLOR_FORCE and TERM, in this order.
func color(isTerminal bool, getenv func(string) string) bool {
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return true
	default:
		return isTerminal && getenv("TERM") != "dumb"
	}
}
