package spanloom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/manifest"
)

// startOnly are the settings that a program takes when it starts.
var startOnly = []string{
	"telemetry.service.", "telemetry.attributes", "telemetry.trace.mode", "telemetry.propagation.",
	"telemetry.logs.format", "telemetry.logs.forward", "telemetry.capture.redact", "runs.", "live.",
}

// later returns which of the settings that are not as they were opened are for the next start.
func later(old, now *manifest.Manifest) (list []string) {
	before, after := startSettings(old), startSettings(now)
	for path, value := range after {
		if v, ok := before[path]; !ok || v != value {
			list = append(list, path)
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

func startSettings(m *manifest.Manifest) map[string]string {
	settings := map[string]string{}
	for _, s := range m.Settings() {
		if slices.ContainsFunc(startOnly, func(p string) bool { return strings.HasPrefix(s.Path, p) }) {
			settings[s.Path] = fmt.Sprint(s.Value)
		}
	}
	return settings
}
