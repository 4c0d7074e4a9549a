package main

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/manifest"
)

const otlpPrefix = "OTEL_EXPORTER_OTLP_"

// plainValues are the variables whose values are no secrets, by form.
var plainValues = []string{
	"SPANLOOM_MANIFEST", "SPANLOOM_MODE", "SPANLOOM_LOG_LEVEL", "SPANLOOM_LOG_FORMAT", "SPANLOOM_TELEMETRY_CONSOLE",
	"OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
}

// otlpNames are the ends of the variables of the OTLP exporters that are read, with
// TRACES_ in front too.
var otlpNames = []string{
	"ENDPOINT", "PROTOCOL", "COMPRESSION", "TIMEOUT", "HEADERS", "INSECURE",
	"CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY",
}

// checkEnvironment tells of the variables that change something, or would if they
// were read. m is nil when it is not valid.
func checkEnvironment(m *manifest.Manifest) (list []finding) {
	for _, entry := range slices.Sorted(slices.Values(os.Environ())) {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || !strings.HasPrefix(name, "OTEL_") && !slices.Contains(plainValues, name) {
			continue
		}
		list = append(list, explained(m, name, value))
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if os.Getenv(name) != "" {
			list = append(list, finding{fine, "environment", name, "set, and not used: backends connect directly", ""})
		}
	}
	return list
}

// explained says what a variable that is set does.
func explained(m *manifest.Manifest, name, value string) finding {
	f := finding{fine, "environment", name, masked(name, value), ""}
	end, otlp := strings.CutPrefix(name, otlpPrefix)
	known := slices.Contains(plainValues, name) || name == "OTEL_RESOURCE_ATTRIBUTES"
	switch {
	case otlp && slices.Contains(otlpNames, strings.TrimPrefix(end, "TRACES_")):
		by := readers(m)
		if m != nil && len(by) == 0 {
			f.Level, f.Message = warning, f.Message+", and nothing reads it"
			f.Fix = "it is for backends with plugin: otlp; write it into the config of the others"
			break
		}
		if len(by) > 0 {
			f.Message += ", for what the config of " + strings.Join(by, " and ") + " leaves open"
		}
	case otlp, !known:
		f.Level, f.Message = warning, f.Message+", and nothing reads it"
		f.Fix = "say it in the manifest"
	case m != nil:
		f.Message += effect(m, name)
	}
	return f
}

// readers are the backends that get the variables of the OTLP exporters.
func readers(m *manifest.Manifest) (names []string) {
	if m == nil {
		return nil
	}
	for _, b := range m.Telemetry.Backends {
		if b.Plugin == "otlp" {
			names = append(names, b.Name)
		}
	}
	return names
}

// effect says which settings a variable has set.
func effect(m *manifest.Manifest, name string) string {
	var paths []string
	for _, s := range m.Settings() {
		if slices.Contains(s.Origin.Variables, name) {
			paths = append(paths, s.Path)
		}
	}
	switch {
	case len(paths) > 0:
		return ", which sets " + strings.Join(paths, ", ")
	case name == manifest.EnvVar || name == "OTEL_SDK_DISABLED" || name == "SPANLOOM_TELEMETRY_CONSOLE" || name == "OTEL_TRACES_SAMPLER_ARG":
		return ""
	default:
		return ", which changes nothing: the manifest says it, or it is wrong"
	}
}

// masked is a value as it may be shown.
func masked(name, value string) string {
	const hidden = "[redacted]"
	switch {
	case slices.Contains(plainValues, name):
		return clean(value)
	case strings.HasSuffix(name, "_ENDPOINT"):
		scheme, rest, ok := strings.Cut(value, "://")
		if !ok {
			scheme, rest = "", value
		}
		u, err := url.Parse("//" + rest)
		switch {
		case err != nil || u.Host == "":
			return hidden
		case ok:
			return clean(scheme + "://" + u.Host) // and no password, path or query
		case u.Port() == "": // it may be anything
			return hidden
		default:
			return clean(u.Host)
		}
	case strings.HasSuffix(name, "_PROTOCOL"), strings.HasSuffix(name, "_COMPRESSION"), strings.HasSuffix(name, "_TIMEOUT"), strings.HasSuffix(name, "_INSECURE"):
		return clean(value)
	case strings.HasSuffix(name, "_HEADERS"), name == "OTEL_RESOURCE_ATTRIBUTES":
		var keys []string
		for member := range strings.SplitSeq(value, ",") {
			key, _, ok := strings.Cut(member, "=")
			if !ok { // then it may be a value
				return hidden
			}
			keys = append(keys, clean(strings.TrimSpace(key))+"="+hidden)
		}
		return strings.Join(keys, ",")
	default:
		return hidden
	}
}
