//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/hooktest"
)

func TestSweepRemovesOnlyRunDirectories(t *testing.T) {
	base := t.TempDir()
	put := func(dir string, files ...string) {
		dir = filepath.Join(base, dir)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			name, text, _ := strings.Cut(f, "=")
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	lock := lockName + "=" + lockText
	put("spanloom-1", lock, "plugin7=")
	put("spanloom-2", lock)
	if err := os.Mkdir(filepath.Join(base, "spanloom-2", "plugin-dir33"), 0o700); err != nil {
		t.Fatal(err)
	}
	put("spanloom-3") // killed before it was locked
	put("spanloom-4", lock)
	leaveSocket(t, filepath.Join(base, "spanloom-4", "plugin4"))
	put("spanloom-5", lock, copyDir+"/main.py=print()")
	leaveSocket(t, filepath.Join(base, "spanloom-5", "backend.sock"))
	if err := os.Chmod(filepath.Join(base, "spanloom-5", copyDir, "main.py"), 0o500); err != nil {
		t.Fatal(err)
	}

	put("spanloom-6") // removed while its backend made a socket
	leaveSocket(t, filepath.Join(base, "spanloom-6", "backend.sock"))

	keep := []string{"spanloom-", "spanloom-17", "spanloom-18", "spanloom-10", "spanloom-11", "spanloom-12", "spanloom-13", "spanloom-14", "spanloom-15", "spanloom-16", "spanloom-data", "spanloom-1x", "other-1"}
	put("spanloom-", lock)
	put("spanloom-10", "lock=", "thesis.txt=years of work")    // a lock, and not ours
	put("spanloom-11", lock, "trace.json={}")                  // what a backend wrote
	put("spanloom-12", "thesis.txt=years of work")             // no lock
	put("spanloom-13", lock, "plugin5=a file of that name")    // not a socket
	put("spanloom-14", lock, "plugin-dir5/thesis.txt=written") // not empty
	put("spanloom-15", lock)
	held, err := openLock(filepath.Join(base, "spanloom-15", lockName))
	if err != nil || lockDir(held) != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	put("spanloom-16")
	if err := os.Chmod(filepath.Join(base, "spanloom-16"), 0o755); err != nil {
		t.Fatal(err)
	}
	put("spanloom-17")
	l, err := net.Listen("unix", filepath.Join(base, "spanloom-17", "used.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	put("spanloom-18", "thesis.txt=")
	leaveSocket(t, filepath.Join(base, "spanloom-18", "backend.sock"))
	put("spanloom-data", lock)
	put("spanloom-1x", lock)
	put("other-1", lock)
	if err := syscall.Mkfifo(filepath.Join(base, "spanloom-10", "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}

	sweep(base, time.Hour)
	if left, _ := filepath.Glob(filepath.Join(base, "*")); len(left) != len(keep)+6 {
		t.Errorf("young directories were removed: %v are left", left)
	}
	sweep(base, 0)
	var left []string
	entries, _ := os.ReadDir(base)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	slices.Sort(keep)
	if !slices.Equal(left, keep) {
		t.Errorf("left are\n%v, want\n%v", left, keep)
	}
	for _, f := range []string{"spanloom-10/thesis.txt", "spanloom-11/trace.json", "spanloom-11/lock", "spanloom-13/plugin5", "spanloom-14/plugin-dir5/thesis.txt"} {
		if _, err := os.Stat(filepath.Join(base, f)); err != nil {
			t.Error(err)
		}
	}
}

// leaveSocket leaves a socket as a process that was killed does.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
}

// TestASocketOfAnyName: a backend that is not in Go calls its socket as it likes.
func TestASocketOfAnyName(t *testing.T) {
	s := spec(t, testConfig{})
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.MkdirTemp("/tmp", "o") //nolint:usetesting // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	t.Setenv("TMPDIR", base)
	s.Launch, s.Env = Command(exe), []string{badVariable + "=own socket"}
	h := start(t, s)
	if err := h.Ready(t.Context()); err == nil {
		t.Error("it speaks no protocol, and is ready")
	}
	shutdown(t, h, time.Second)
	if left, _ := filepath.Glob(base + "/*/*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// TestARunDirectoryThatABackendWroteTo stays until that is gone, and is known until then.
func TestARunDirectoryThatABackendWroteTo(t *testing.T) {
	base, err := os.MkdirTemp("/tmp", "o") //nolint:usetesting // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	d, err := makeRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.path, "trace.json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	leaveSocket(t, filepath.Join(d.path, "backend.sock"))
	d.remove()
	if left, _ := filepath.Glob(d.path + "/*"); !slices.Equal(left, []string{filepath.Join(d.path, lockName), file}) {
		t.Errorf("%v are left", left)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	sweep(base, 0)
	if _, err := os.Stat(d.path); err == nil {
		t.Errorf("%s is left", d.path)
	}
}

func TestAnUnusableTMPDIRIsPassedOver(t *testing.T) {
	readOnly := filepath.Join(t.TempDir(), "r")
	if err := os.Mkdir(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	other, err := os.MkdirTemp("/tmp", "o") //nolint:usetesting // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(other) }()
	t.Setenv("XDG_RUNTIME_DIR", other)
	for _, dir := range []string{"/proc", ".", "relative", "/nowhere/at/all", readOnly, "/" + strings.Repeat("long", 30)} {
		if dir == readOnly && os.Getuid() == 0 {
			continue // root may write anywhere
		}
		t.Setenv("TMPDIR", dir)
		d, err := newRunDir()
		if err != nil {
			t.Errorf("TMPDIR=%s: %v", dir, err)
			continue
		}
		if filepath.Dir(d.path) != other {
			t.Errorf("TMPDIR=%s: %s", dir, d.path)
		}
		d.remove()
		if _, err := os.Stat(d.path); err == nil {
			t.Errorf("%s is left", d.path)
		}
	}
	for _, base := range []string{"/proc", "relative"} {
		if d, err := makeRunDir(base); err == nil {
			t.Errorf("made %s", d.path)
		}
	}
}

// Without a directory there is no socket, and no process.
func TestSelfFallsBackWithoutADirectory(t *testing.T) {
	old := runBases
	runBases = func() []string { return []string{"/proc"} }
	defer func() { runBases = old }()
	var log safeBuffer
	oldLog := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(oldLog)
	h := start(t, spec(t, testConfig{}))
	n := hooktest.Random(h, 1)
	flush(t, h)
	if st := h.Stats(); st.Delivered != uint64(n) {
		t.Errorf("%d events: %+v", n, st)
	}
	await(t, time.Second, "a log line", func() bool { return strings.Contains(log.String(), "backend runs in this process") })

	s := spec(t, testConfig{})
	exe, _ := os.Executable()
	s.Launch = Command(exe)
	var se *StartError
	if err := start(t, s).Ready(context.Background()); !errors.As(err, &se) || se.Problem != NoDirectory {
		t.Error(err)
	}
}

func TestRunDirs(t *testing.T) {
	base := t.TempDir()
	old := runBases
	runBases = func() []string { return []string{base} }
	defer func() { runBases = old }()
	used, err := makeRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	defer used.remove()
	left := filepath.Join(base, runDirPrefix+"7")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, lockName), []byte(lockText), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(base, "spanloom-other"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(base, "spanloom-8"), 0o700); err != nil { // of somebody else
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "spanloom-8", "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := RunDirs()
	if err != nil || len(list) != 2 || !slices.Contains(list, RunDir{used.path, true}) || !slices.Contains(list, RunDir{left, false}) {
		t.Errorf("%+v, %v", list, err)
	}
	entries, err := os.ReadDir(base)
	if err != nil || len(entries) != 4 {
		t.Errorf("%v, %v", entries, err)
	}
	runBases = func() []string { return []string{filepath.Join(base, "none")} }
	if _, err := RunDirs(); err == nil || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Error(err)
	}
}
