package spanloom_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestReloadBesideABackendThatIsDown: it is tried again, and keeps no other from changing.
func TestReloadBesideABackendThatIsDown(t *testing.T) {
	first, second := otlptest.Start(t, nil), otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	const down = "    - { name: down, command: [./none] }\n"
	writeManifestf(t, path, "  backends:\n%s%s", down, fmt.Sprintf(otlpEntry, "a", first.Endpoint, 512))
	tel := reloadable(t, path)
	defer func() { _ = tel.Shutdown(t.Context()) }()
	reload := func(want spanloom.Reloaded) {
		t.Helper()
		got, err := tel.Reload(t.Context())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v: %v", got, want, err)
		}
	}
	for tel.Stats()[0].Err == nil {
		one(t, tel) // until it has been found to be down
	}
	reload(spanloom.Reloaded{Same: []string{"a", "down"}})
	_ = tel.Flush(t.Context()) // the one that is down says so
	writeManifestf(t, path, "  backends:\n%s%s", down, fmt.Sprintf(otlpEntry, "a", second.Endpoint, 512))
	reload(spanloom.Reloaded{Replaced: []string{"a"}, Same: []string{"down"}})
	one(t, tel)
	_ = tel.Flush(t.Context())
	if n := len(second.AllSpans()); n != 3 {
		t.Errorf("%d spans at the second", n)
	}
	writeManifestf(t, path, "  backends:\n%s%s", "    - { name: down, command: [./other] }\n", fmt.Sprintf(otlpEntry, "a", second.Endpoint, 512))
	if got, err := tel.Reload(t.Context()); err == nil {
		t.Errorf("a change of what is down was accepted: %+v", got)
	}
}
