//go:build unix

package spanloom_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// hangUp is how a process gets SIGHUP at a moment that its first argument names.
const hangUp = "SPANLOOM_TEST_HANG_UP"

// TestASignalEndsNoProgram that asked for a reload by it, whatever it is at.
func TestASignalEndsNoProgram(t *testing.T) {
	if when := os.Getenv(hangUp); when != "" {
		hungUp(t, when)
		return
	}
	for _, when := range []string{"disabled", "shutdown", "open"} {
		t.Run(when, func(t *testing.T) {
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^TestASignalEndsNoProgram$")
			cmd.Env = append(os.Environ(), hangUp+"="+when, fmt.Sprintf("OTEL_SDK_DISABLED=%t", when == "disabled"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// hungUp is a program that gets the signal.
func hungUp(t *testing.T, when string) {
	t.Helper()
	kill := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Error(err)
		}
	}
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	writeManifestf(t, path, "  backends:\n"+otlpEntry, "main", otlptest.Refused(t), 512)
	if when == "open" { // a required backend that asks for it while Open waits
		writeManifestf(t, path, "  backends:\n    - { name: main, required: true, start_timeout: 5s, command: [/bin/sh, -c, 'kill -HUP %d; exit 1'] }\n", os.Getpid())
		_, err := spanloom.Open(t.Context(), spanloom.WithManifest(path), spanloom.WithReload(syscall.SIGHUP), spanloom.AllowUnlocked())
		if err == nil {
			t.Error("opened")
		}
		return
	}
	tel := reloadable(t, path, syscall.SIGHUP)
	if when == "disabled" {
		kill()
	} else {
		if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
			t.Error(err)
		}
		spanloom.AtShutdown(tel, kill)
	}
	if err := tel.Shutdown(t.Context()); err != nil && !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// TestShutdownBesideAReloadThatHangs: it waits for a part of its time only.
func TestShutdownBesideAReloadThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	if err := os.WriteFile(path, []byte("version: \"1\"\ntelemetry: { shutdown_timeout: 1s }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tel := reloadable(t, path)
	goOn := spanloom.HoldReload(tel)
	done := make(chan error, 1)
	go func() { done <- tel.Shutdown(t.Context()) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for the reload")
	}
	goOn()
}
