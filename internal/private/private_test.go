package private_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/internal/private"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLock(t *testing.T) {
	if !private.CanLock {
		t.Skip("this system has no locks")
	}
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := open(), open()
	try := func(f *os.File, want bool) {
		t.Helper()
		if ok, err := private.TryLock(f); ok != want || err != nil {
			t.Error(ok, err)
		}
	}
	if private.Locked(b) {
		t.Error("it is locked before")
	}
	try(a, true)
	try(b, false)
	if !private.Locked(b) {
		t.Error("it is not locked")
	}
	_ = a.Close()
	try(b, true)
	_ = b.Close()
	if ok, err := private.TryLock(b); ok || err == nil {
		t.Error("a closed file can be locked")
	}
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	root, err := private.OpenDir(dir, private.NoReaders)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := private.OpenFile(root, "file", os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if err := private.Sync(f); err != nil {
		t.Error(err)
	}
	_ = f.Close()
	if err := private.SyncDir(root, "."); err != nil {
		t.Error(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"link": "it is not a regular file: remove it", "none": "no such file", "../b/file": "escapes"} {
		if _, err := private.OpenFile(root, name, os.O_RDONLY); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := private.OpenDir(filepath.Join(dir, "link"), private.NoWriters); err == nil || !strings.Contains(err.Error(), "it is a symbolic link") {
		t.Error(err)
	}
}
