//go:build unix

package spanloom_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// TestReloadReadsTheLock: a backend that is locked later starts, and one that is locked
// no more is told of.
func TestReloadReadsTheLock(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "spanloom-backend-lines"), program, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "spanloom.yaml")
	writeManifestf(t, path, "  backends: [{ plugin: lines, start_timeout: 30s }]\nplugins: { dirs: [%q] }\n", dir)
	tel := reloadable(t, path)
	defer func() { _ = tel.Shutdown(t.Context()) }()
	notLocked := func(err error) bool {
		var start *pluginhost.StartError
		return errors.As(err, &start) && start.Problem == pluginhost.NotLocked
	}
	for deadline := time.Now().Add(10 * time.Second); tel.Stats()[0].State != pluginhost.Down && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got, err := tel.Reload(t.Context()); err != nil || !slices.Equal(got.Same, []string{"lines"}) {
		t.Errorf("one that is down: %+v %v", got, err)
	}
	m, err := catalog.Load(path, nil, manifest.Options{})
	if err == nil {
		_, err = catalog.Update(t.Context(), m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tel.Reload(t.Context()); err != nil || !slices.Equal(got.Replaced, []string{"lines"}) {
		t.Errorf("locked: %+v %v", got, err)
	}
	if st := tel.Stats()[0]; st.State != pluginhost.Ready {
		t.Errorf("%s: %v", st.State, st.Err)
	}
	if got, err := tel.Reload(t.Context()); err != nil || !slices.Equal(got.Same, []string{"lines"}) {
		t.Errorf("as it was: %+v %v", got, err)
	}
	if err := os.Remove(m.Plugins.Lock); err != nil {
		t.Fatal(err)
	}
	if _, err := tel.Reload(t.Context()); !notLocked(err) {
		t.Errorf("without a lock file: %v", err)
	}
	if st := tel.Stats()[0]; st.State != pluginhost.Ready {
		t.Errorf("%s: %v", st.State, st.Err)
	}
}
