package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/manifest"
)

// modes are those for which a file may lie over the manifest.
var modes = []string{"dev", "staging", "prod"}

// checkManifest tells what load has said, and what it would say in other modes.
func checkManifest(path string, m *manifest.Manifest, err error) (list []finding) {
	const check = "manifest"
	if err != nil {
		return mistakes(check, problem, err)
	}
	if m.File == "" {
		return []finding{{
			warning, check, "", noManifest + ": the environment and the defaults count",
			"run it in the directory of the program, or name the file",
		}}
	}
	for _, w := range m.Warnings {
		list = append(list, finding{warning, check, "", m.Redact(w.Error()), ""})
	}
	list = append(list, finding{fine, check, "", files(m) + " is valid", ""})
	return append(list, checkOverlays(path, m)...)
}

// mistakes are those that err has, each in a line.
func mistakes(check string, l level, err error) (list []finding) {
	var faults manifest.Errors
	if !errors.As(err, &faults) {
		return []finding{{l, check, "", err.Error(), ""}}
	}
	for _, f := range faults {
		list = append(list, finding{l, check, "", f.Error(), ""})
	}
	return list
}

// checkOverlays looks at the files that lie over the manifest in other modes than
// this one.
func checkOverlays(path string, m *manifest.Manifest) (list []finding) {
	ext := filepath.Ext(m.File)
	stem := strings.TrimSuffix(m.File, ext)
	names, _ := filepath.Glob(escapeGlob(stem) + ".*" + ext)
	for _, name := range names {
		if name == m.Overlay {
			continue
		}
		mode := strings.TrimSuffix(strings.TrimPrefix(name, stem+"."), ext)
		if !slices.Contains(modes, mode) {
			list = append(list, finding{
				warning, "overlay", name, fmt.Sprintf("no mode reads it: there is none of the name %q", mode),
				"call it after one of " + strings.Join(modes, ", ") + ", or remove it",
			})
			continue
		}
		if _, err := load(path, mode); err != nil {
			for _, f := range mistakes("overlay", warning, err) {
				f.Subject = "in mode " + mode
				list = append(list, f)
			}
			continue
		}
		list = append(list, finding{fine, "overlay", name, "is valid, and counts in mode " + mode, ""})
	}
	return list
}

// escapeGlob makes a pattern of a path that matches it alone.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// checkTelemetry looks for what keeps telemetry from being made.
func checkTelemetry(m *manifest.Manifest) (list []finding) {
	const check = "telemetry"
	t := m.Telemetry
	switch {
	case manifest.Disabled(manifest.Options{}):
		list = append(list, finding{problem, check, "", "OTEL_SDK_DISABLED switches it off", "unset it"})
	case !t.Enabled:
		list = append(list, finding{problem, check, "", m.Errorf("telemetry.enabled", "it is switched off").Error(), "set telemetry.enabled to true"})
	case len(t.Backends) == 0:
		list = append(list, finding{problem, check, "", "there is no backend", "list one in telemetry.backends, or set OTEL_EXPORTER_OTLP_ENDPOINT where there is no manifest"})
	default:
		names := make([]string, len(t.Backends))
		for i, b := range t.Backends {
			names[i] = b.Name
		}
		list = append(list, finding{fine, check, "", "it goes to " + strings.Join(names, ", "), ""})
	}
	if t.Service.Name == "" {
		list = append(list, finding{
			warning, check, "", "the service has no name, so that it is found under unknown_service and the name of the program",
			"write telemetry.service.name, or set OTEL_SERVICE_NAME",
		})
	}
	switch ratio := t.Sampling.Ratio; {
	case ratio == 0:
		list = append(list, finding{warning, check, "", "no run is sampled (telemetry.sampling.ratio is 0), unless a caller's trace is", "raise it, or set keep: [failed]"})
	case ratio < 1:
		list = append(list, finding{fine, check, "", fmt.Sprintf("of the runs, a part of %g is sampled", ratio), ""})
	}
	return list
}
