package manifest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/manifest"
)

// TestDefaultsOfAProgramWithoutAManifest has what decides on its backends.
func TestDefaultsOfAProgramWithoutAManifest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terminal bool
		env      map[string]string
		want     string // plugin and origin of each backend
	}{
		"nothing":         {false, nil, ""},
		"terminal":        {true, nil, "console default"},
		"endpoint":        {false, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, "otlp OTEL_EXPORTER_OTLP_ENDPOINT"},
		"traces endpoint": {true, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, "console default, otlp OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"console":         {false, map[string]string{"SPANLOOM_TELEMETRY_CONSOLE": "true"}, "console SPANLOOM_TELEMETRY_CONSOLE"},
		"console twice":   {true, map[string]string{"SPANLOOM_TELEMETRY_CONSOLE": "true"}, "console default"},
		"empty":           {false, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.Defaults(manifest.Options{Terminal: tt.terminal, LookupEnv: func(name string) (string, bool) {
				v, ok := tt.env[name]
				return v, ok
			}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range m.Settings() {
				if strings.HasSuffix(s.Path, ".plugin") {
					got = append(got, s.Value.(string)+" "+s.Origin.String())
				}
			}
			if got := strings.Join(got, ", "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if m.File != "" || !m.Telemetry.Enabled || m.Version != "1" {
				t.Errorf("%+v", m)
			}
			if e := m.Errorf("telemetry.backends[0]", "x"); e.Error() != "telemetry.backends[0]: x" {
				t.Error(e)
			}
		})
	}
	_, err := manifest.Defaults(manifest.Options{Mode: "none", LookupEnv: lookup})
	if err == nil || err.Error() != "--mode: must be one of dev, staging, prod" {
		t.Error(err)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"": false, "true": true, "TRUE": true, "1": false, "false": false} {
		got := manifest.Disabled(manifest.Options{LookupEnv: func(string) (string, bool) { return value, true }})
		if got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// TestDefaultsAreTheManifestsOwn changes one and parses again.
func TestDefaultsAreTheManifestsOwn(t *testing.T) {
	t.Parallel()
	o := manifest.Options{LookupEnv: lookup}
	first, err := manifest.Defaults(o)
	if err != nil {
		t.Fatal(err)
	}
	want := first.Settings()
	first.Telemetry.Attributes["x"] = "y"
	clear(first.Settings())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			m, err := manifest.Defaults(o)
			if err != nil || len(m.Telemetry.Attributes) > 0 {
				t.Error(m, err)
				return
			}
			if diff := cmp.Diff(want, m.Settings()); diff != "" {
				t.Error(diff)
			}
			m.Telemetry.Attributes["z"] = "y"
		})
	}
	all.Wait()
}

// TestSettingsHaveEveryKey holds that whatever the schema gives a default for is
// shown.
func TestSettingsHaveEveryKey(t *testing.T) {
	t.Parallel()
	m := parse(t, backend("console"))
	var got []string
	for _, s := range m.Settings() {
		got = append(got, s.Path)
	}
	if !slices.IsSorted(got) {
		t.Error("not sorted")
	}
	defaults, _ := examplesOf(t)
	for _, e := range defaults {
		if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, e.path) }) {
			t.Errorf("%s is not shown", e.path)
		}
	}
}
