package spanloom

import (
	"maps"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/telemetry"
)

// serviceOf returns whose telemetry it is. A service without a name gets the one
// that OpenTelemetry's conventions have for it.
func serviceOf(t manifest.Telemetry) backend.Service {
	s := backend.Service{
		Name: t.Service.Name, Version: t.Service.Version, Namespace: t.Service.Namespace,
		Attributes: maps.Clone(t.Attributes),
	}
	if s.Attributes == nil {
		s.Attributes = map[string]string{}
	}
	if s.Attributes[otelresource.InstanceKey] == "" { // a backend's process must not have one of its own
		s.Attributes[otelresource.InstanceKey] = otelresource.InstanceID()
	}
	if s.Name == "" {
		s.Name = "unknown_service:" + filepath.Base(os.Args[0])
	}
	product := telemetry.Product{Namespace: t.Service.Namespace, Name: t.Service.Product, Mode: t.Service.Mode}
	if product.Name != "" {
		product.Version = t.Service.Version
	}
	for _, kv := range product.Attributes() {
		if key, value := string(kv.Key), kv.Value.AsString(); value != "" {
			s.Attributes[key] = value
		}
	}
	return s
}

// environmentOf returns the variables that a backend's process gets: those that
// the manifest names, and those of a built-in one.
func environmentOf(b manifest.Backend, builtIn bool) []string {
	var list []string
	if builtIn {
		list = environment(b.Plugin)
	}
	for _, name := range b.Env {
		if value, ok := os.LookupEnv(name); ok {
			list = append(list, name+"="+value)
		}
	}
	return list
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
