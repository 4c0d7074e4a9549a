//go:build unix

package spanloom_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/internal/testscale"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// writeManifestf replaces a manifest as editors do.
func writeManifestf(t *testing.T, path, format string, args ...any) {
	t.Helper()
	text := "version: \"1\"\ntelemetry:\n  service: { name: shop }\n  shutdown_timeout: 10s\n" + fmt.Sprintf(format, args...)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// reloadable opens telemetry with a manifest that may change.
func reloadable(t *testing.T, path string, signals ...os.Signal) *spanloom.Telemetry {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "r") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path), spanloom.WithReload(signals...))
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func one(t *testing.T, tel *spanloom.Telemetry) {
	t.Helper()
	if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Error(err)
	}
}

const otlpEntry = "    - { plugin: otlp, name: %s, config: { endpoint: %q, timeout: 5s, batch: { size: %d } } }\n"

// TestReload touches what has changed, and nothing else.
func TestReload(t *testing.T) {
	first, second := otlptest.Start(t, nil), otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	a := fmt.Sprintf(otlpEntry, "a", first.Endpoint, 512)
	writeManifestf(t, path, "  backends:\n%s", a)
	tel := reloadable(t, path)
	defer func() {
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := tel.Reload(t.Context()); !errors.Is(err, pluginhost.ErrClosed) && !errors.Is(err, context.Canceled) {
			t.Errorf("after Shutdown: %v", err)
		}
	}()
	reload := func(want spanloom.Reloaded) {
		t.Helper()
		got, err := tel.Reload(t.Context())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v: %v", got, want, err)
		}
	}
	spans := func(c *otlptest.Collector) int {
		t.Helper()
		if err := tel.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		return len(c.AllSpans())
	}
	one(t, tel)
	if n := spans(first); n != 3 {
		t.Errorf("%d spans", n)
	}
	reload(spanloom.Reloaded{Same: []string{"a"}})

	b := fmt.Sprintf(otlpEntry, "b", second.Endpoint, 512)
	writeManifestf(t, path, "  backends:\n%s%s  logs: { format: text }\n", b, a)
	reload(spanloom.Reloaded{Added: []string{"b"}, Same: []string{"a"}, Later: []string{"telemetry.logs.format"}})
	one(t, tel)
	if n, m := spans(first), spans(second); n != 6 || m != 3 {
		t.Errorf("%d and %d spans", n, m)
	}

	// A mistake in the manifest, and a backend that does not start: all stays.
	writeManifestf(t, path, "  backends:\n%s  sampling: { ratio: 2 }\n", b)
	_, err := tel.Reload(t.Context())
	var faults manifest.Errors
	if !errors.As(err, &faults) || !strings.HasPrefix(err.Error(), path+":7:22: telemetry.sampling.ratio: ") {
		t.Errorf("%v", err)
	}
	writeManifestf(t, path, "  backends:\n%s    - { command: [/bin/false], name: never }\n", b)
	var start *pluginhost.StartError
	if _, err = tel.Reload(t.Context()); !errors.As(err, &start) || !strings.HasPrefix(err.Error(), path+":7:7: telemetry.backends[1]: ") {
		t.Errorf("%v", err)
	}
	one(t, tel)
	if n, m := spans(first), spans(second); n != 9 || m != 6 {
		t.Errorf("%d and %d spans", n, m)
	}

	// Sampling changes with it, and a backend goes.
	writeManifestf(t, path, "  backends:\n%s  sampling: { ratio: 0 }\n", b)
	reload(spanloom.Reloaded{Removed: []string{"a"}, Same: []string{"b"}})
	one(t, tel)
	if n, m := spans(first), spans(second); n != 9 || m != 6 {
		t.Errorf("%d and %d spans", n, m)
	}

	// Off, and on again.
	writeManifestf(t, path, "  enabled: false\n  backends:\n%s", b)
	reload(spanloom.Reloaded{Removed: []string{"b"}})
	one(t, tel)
	if err := tel.Flush(t.Context()); err != nil { // else the span of the node's code has its turn later
		t.Error(err)
	}
	writeManifestf(t, path, "  backends:\n%s", a)
	reload(spanloom.Reloaded{Added: []string{"a"}})
	one(t, tel)
	if n, m := spans(first), spans(second); n != 12 || m != 6 {
		t.Errorf("%d and %d spans", n, m)
	}
	var names []string
	for _, s := range tel.Stats() {
		names = append(names, s.Name)
		if s.Emitted == 0 || s.Emitted != s.Delivered || s.InFlight != 0 {
			t.Errorf("%s: %s", s.Name, s.Ledger())
		}
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Error(names)
	}
}

// TestReloadBySignal: only who asks for it gets it.
func TestReloadBySignal(t *testing.T) {
	c := otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, "  enabled: false\n")
	tel := reloadable(t, path, syscall.SIGHUP)
	writeManifestf(t, path, "  backends:\n"+otlpEntry, "main", c.Endpoint, 512)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(tel.Stats()) == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	one(t, tel)
	if err := tel.Shutdown(t.Context()); err != nil || len(c.AllSpans()) != 3 {
		t.Errorf("%d spans: %v", len(c.AllSpans()), err)
	}
}

func TestNoReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, "  backends: []\n")
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tel.Reload(t.Context()); err == nil {
		t.Error("reloaded without WithReload")
	}
	_ = tel.Shutdown(t.Context())
}

// TestReloadUnderLoad: the manifest changes again and again, with mistakes in between,
// while runs go on. Nothing is lost, with a spool or without, and the ledger is exact.
func TestReloadUnderLoad(t *testing.T) {
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprintf("durable %t", durable), func(t *testing.T) {
			c := otlptest.Start(t, nil)
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			path := filepath.Join(t.TempDir(), "spanloom.yaml")
			entry := "  backends:\n    - { plugin: otlp, name: main, delivery: { durable: " + fmt.Sprint(durable) + " }, config: { endpoint: %q, batch: { size: %d } } }\n"
			writeManifestf(t, path, entry, c.Endpoint, 512)
			tel := reloadable(t, path)
			list := tel.Callbacks()
			var runs atomic.Int64
			var all sync.WaitGroup
			stop := make(chan struct{})
			for range 2 {
				all.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond): // load, not a flood
						}
						if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: list}); err != nil {
							t.Error(err)
							return
						}
						runs.Add(1)
					}
				})
			}
			reloads, refused := testscale.N(8), 0
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for i := range reloads {
				<-tick.C
				if i%3 == 1 {
					writeManifestf(t, path, "  backend: []\n")
					if _, err := tel.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "unknown key") {
						t.Errorf("an invalid manifest: %v", err)
					}
					refused++
					continue
				}
				writeManifestf(t, path, entry, c.Endpoint, 100+i)
				if _, err := tel.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			}
			close(stop)
			all.Wait()
			if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
				t.Error(err)
			}
			st := tel.Stats()
			if len(st) != 1 || st[0].Lost() > 0 || st[0].InFlight > 0 || st[0].Emitted != st[0].Delivered+st[0].Kept {
				t.Errorf("%s", st[0].Ledger())
			}
			ids, names := map[string]bool{}, map[string]int64{}
			for _, s := range c.AllSpans() {
				if id := string(s.GetSpanId()); !ids[id] {
					ids[id] = true
					names[s.GetName()]++
				}
			}
			for _, name := range []string{"inner", "node one", "pipeline query"} {
				if names[name] != runs.Load() {
					t.Errorf("%d spans %q of %d runs", names[name], name, runs.Load())
				}
			}
			t.Logf("%d reloads, %d refused, %d runs: %s", reloads, refused, runs.Load(), st[0].Ledger())
		})
	}
}

// TestWhatIsForTheNextStart: it stays so, however often telemetry is reloaded.
func TestWhatIsForTheNextStart(t *testing.T) {
	c := otlptest.Start(t, nil)
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, "  backends:\n"+otlpEntry, "main", c.Endpoint, 512)
	tel := reloadable(t, path)
	for size := range 2 {
		writeManifestf(t, path, "  attributes: { team: other }\n  backends:\n"+otlpEntry, "main", c.Endpoint, 100+size)
		got, err := tel.Reload(t.Context())
		if err != nil || !slices.Equal(got.Later, []string{"telemetry.attributes", "telemetry.attributes.team"}) {
			t.Errorf("reload %d: %+v %v", size, got, err)
		}
		one(t, tel)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	list := c.Resources()
	for _, r := range list {
		for _, a := range r.GetResource().GetAttributes() {
			if a.GetKey() == "team" {
				t.Errorf("%s", a)
			}
		}
	}
	if len(list) == 0 {
		t.Error("nothing was exported")
	}
}
