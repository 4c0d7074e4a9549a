//go:build unix

package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/lockfile"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// commandLock returns the lock of a manifest with this command, in dir.
func commandLock(t *testing.T, dir, command string) *Lock {
	t.Helper()
	path := filepath.Join(dir, "spanloom.yaml")
	text := "version: \"1\"\ntelemetry:\n  backends:\n    - name: x\n      command: " + command + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path, nil, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return ReadLock(m)
}

// lockAsShown locks the command in dir as the lock file has it, whether it may be or not.
func lockAsShown(t *testing.T, l *Lock) {
	t.Helper()
	o, _ := l.outside(0)
	o.exe.Check = func(files []pluginhost.File) error {
		var f lockfile.File
		f.Add(false, o.name, lockfile.Platform(), lockfile.Entry{Command: o.words}, o.sums(files))
		return f.Write(l.m.Plugins.Lock)
	}
	if err := o.exe.Verify(); err != nil {
		t.Fatal(err)
	}
	l.read()
}

// TestACommandIsLockedAsItRuns: no change of the manifest changes what runs.
func TestACommandIsLockedAsItRuns(t *testing.T) {
	t.Setenv("SPANLOOM_TEST_ARG", "an argument")
	for _, tt := range []struct {
		name, locked, changed string
		ok                    bool // locked may be
		words                 string
	}{
		{
			name: "a secret", locked: `[/bin/sh, -c, "API_TOKEN=abc123 exec /p/backend"]`,
			changed: `[/bin/sh, -c, "API_TOKEN=x;id>/tmp/F;A=1 exec /p/backend"]`, words: "word 3 of its command, ",
		},
		{name: "by its flag", locked: `[/bin/sh, --token, abc]`, changed: `[/bin/sh, --token, def]`, words: "word 3 of its command, "},
		{
			name: "a default", locked: `[/bin/sh, -c, "${env:SPANLOOM_TEST_NONE:-true}"]`,
			changed: `[/bin/sh, -c, "${env:SPANLOOM_TEST_NONE:-id}"]`, words: "word 3 of its command, ",
		},
		{name: "a reference", locked: `[/bin/sh, -c, "${env:SPANLOOM_TEST_ARG}"]`, changed: `[/bin/sh, -c, "true ${env:SPANLOOM_TEST_ARG}"]`, words: "word 3 of its command, "},
		{name: "another name", locked: `["${env:SPANLOOM_TEST_NONE:-/bin/sh}"]`, changed: `["${env:SPANLOOM_TEST_NONE:-/bin/bash}"]`, words: "word 1 of its command, "},
		{
			name: "a path that is not clean", locked: `[/bin/sh, -c, "DIR/run --x"]`,
			changed: `[/bin/sh, -c, "DIR/run;id;/../run --x"]`, ok: true, words: "its command is not the one in the lock file",
		},
		{
			name: "a directory", locked: `["${env:SPANLOOM_TEST_NONE:-/bin}/sh", ./x.sh, -v]`,
			changed: `["${env:SPANLOOM_TEST_NONE:-/bin}/sh", ./x.sh, -w]`, ok: true, words: "its command is not the one in the lock file",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x.sh"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			in := func(command string) string { return strings.ReplaceAll(command, "DIR", dir) }
			l := commandLock(t, dir, in(tt.locked))
			lockAsShown(t, l)
			if file, lock := l.Verify(0); file != nil || (lock == nil) != tt.ok {
				t.Errorf("as it was: %v %v", file, lock)
			}
			if !tt.ok {
				if _, err := Update(t.Context(), l.m, nil); err == nil || !strings.Contains(err.Error(), tt.words) {
					t.Errorf("it is locked: %v", err)
				}
			}
			changed := commandLock(t, dir, in(tt.changed))
			if file, lock := changed.Verify(0); file != nil || lock == nil || !strings.Contains(lock.Error(), tt.words) {
				t.Errorf("changed: %v %v", file, lock)
			}
		})
	}
}

// TestNothingIsReadThatMayNotRun: without an entry the file is not copied.
func TestNothingIsReadThatMayNotRun(t *testing.T) {
	dir := t.TempDir()
	l := commandLock(t, dir, "[/bin/sh, -c, exit]")
	exe, _ := l.Executable(0, false)
	exe.Check = func([]pluginhost.File) error {
		t.Error("the file was read")
		return nil
	}
	if err := exe.Verify(); err == nil || !strings.Contains(err.Error(), "there is no lock file") {
		t.Error(err)
	}
	lockAsShown(t, l)
	read := false
	exe, _ = l.Executable(0, false)
	exe.Check = func([]pluginhost.File) error {
		read = true
		return nil
	}
	if err := exe.Verify(); err != nil || !read {
		t.Error(err, read)
	}
}
