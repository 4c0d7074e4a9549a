//go:build unix

package spanloom_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/pluginhost"
)

// TestReloadLosesNoSpool: what is kept goes to the successor with the same directory, or
// stays in the ledger.
func TestReloadLosesNoSpool(t *testing.T) {
	const entry = "  backends:\n    - { plugin: otlp, name: main, delivery: { durable: %t }, config: { endpoint: %q } }\n"
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprintf("durable %t", durable), func(t *testing.T) {
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			c := otlptest.Start(t, nil)
			path := filepath.Join(t.TempDir(), "spanloom.yaml")
			writeManifestf(t, path, entry, true, otlptest.Refused(t))
			tel := reloadable(t, path)
			one(t, tel)
			writeManifestf(t, path, entry, durable, c.Endpoint)
			text, err := os.ReadFile(path)
			if err == nil { // in the same edit
				err = os.WriteFile(path, []byte(strings.Replace(string(text), "name: shop", "name: store", 1)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tel.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := tel.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			st := tel.Stats()[0]
			if st.Emitted != st.Delivered+st.Kept || st.Lost() > 0 || (st.Kept == 0) != durable {
				t.Error(st.Ledger())
			}
			if !durable && !strings.HasSuffix(st.Ledger(), " kept") {
				t.Error(st.Ledger())
			}
			if durable && (st.Spool.Adopted == 0 || st.Spool.Delivered != st.Spool.Adopted) {
				t.Errorf("%s: %+v", st.Ledger(), st.Spool)
			}
			if err := tel.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if n := len(c.AllSpans()); (n >= 3) != durable {
				t.Errorf("%d spans", n)
			}
		})
	}
}

// stderrOf has what is opened from now on write to a file, and returns what that has.
func stderrOf(t *testing.T) func() string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stderr
	os.Stderr = f
	t.Cleanup(func() {
		os.Stderr = was
		_ = f.Close()
	})
	return func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// keptEntry is a backend, with a delivery and an endpoint.
const keptEntry = "  backends:\n    - { plugin: otlp, name: main, delivery: { durable: %t, max_bytes: %dMiB }, config: { endpoint: %q } }\n"

// TestReloadThatCannotAdopt: what the successor cannot take over is kept, and told.
func TestReloadThatCannotAdopt(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	said := stderrOf(t)
	c := otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, keptEntry, true, 64, otlptest.Refused(t))
	tel := reloadable(t, path)
	one(t, tel)
	for tel.Stats()[0].Kept == 0 {
		time.Sleep(time.Millisecond)
	}
	logs, err := filepath.Glob(filepath.Join(state, "spanloom", "spool", "*", "service-shop", "main", "v1-*"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	if err := os.Chmod(logs[0], 0o755); err != nil { // which makes it nobody's
		t.Fatal(err)
	}
	writeManifestf(t, path, keptEntry, true, 64, c.Endpoint)
	if _, err := tel.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := tel.Stats()[0]
	if st.Kept == 0 || st.Emitted != st.Delivered+st.Kept || st.Spool.Adopted > 0 {
		t.Errorf("%s: %+v", st.Ledger(), st.Spool)
	}
	if err := os.Chmod(logs[0], 0o700); err != nil {
		t.Fatal(err)
	}
	writeManifestf(t, path, keptEntry, true, 65, c.Endpoint)
	if _, err := tel.Reload(t.Context()); err != nil { // the third can
		t.Fatal(err)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	kept := st.Kept
	if want := fmt.Sprintf(`backend "main": %d events are kept for the next start`, kept); strings.Count(said(), want) != 1 ||
		!strings.Contains(said(), "; to send them before, run: spanloom spool replay main --dir "+filepath.Dir(logs[0])+" --service shop --manifest "+path) {
		t.Errorf("not once %q in\n%s", want, said())
	}
	if st = tel.Stats()[0]; st.Kept > 0 || st.Emitted != st.Delivered || st.Spool.Adopted != kept || st.Spool.Delivered != kept {
		t.Errorf("%s: %+v", st.Ledger(), st.Spool)
	}
	if n := len(c.AllSpans()); n != 3 {
		t.Errorf("%d spans", n)
	}
}

// TestReloadLosesWhatTheDiskHasLost: what is not there any more is no handing over.
func TestReloadLosesWhatTheDiskHasLost(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	c := otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, keptEntry, true, 64, otlptest.Refused(t))
	tel := reloadable(t, path)
	one(t, tel)
	for tel.Stats()[0].Kept == 0 {
		time.Sleep(time.Millisecond)
	}
	writeManifestf(t, path, keptEntry, false, 64, c.Endpoint)
	if _, err := tel.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := tel.Stats()[0].Kept
	segments, err := filepath.Glob(filepath.Join(state, "spanloom", "spool", "*", "service-shop", "main", "v1-*", "*.seg"))
	if err != nil || len(segments) != 1 || kept == 0 {
		t.Fatal(segments, err, kept)
	}
	if err := os.Truncate(segments[0], 0); err != nil {
		t.Fatal(err)
	}
	writeManifestf(t, path, keptEntry, true, 64, c.Endpoint)
	if _, err := tel.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := tel.Stats()[0]
	if st.Kept > 0 || st.Dropped[pluginhost.SpoolFailed] < kept || st.Emitted != st.Delivered+st.Lost()+st.InFlight || st.Losses.Events < kept {
		t.Errorf("%d were kept: %s, %s", kept, st.Ledger(), st.Losses)
	}
	_ = tel.Shutdown(t.Context())
}
