//go:build unix

package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom/cache"
)

// limitVariable says that this process may limit its files.
const limitVariable = "SPANLOOM_TEST_CACHE_LIMIT"

// Whatever the umask says, only our user can read what the store makes.
func TestModes(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "new", "er")
	s := openAt(t, dir, Config{})
	fill(t, s)
	s.save(1)
	for range 2 {
		n := 0
		err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if d.IsDir() {
				want = 0o700
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s has mode %04o", path, info.Mode().Perm())
			}
			n++
			return nil
		})
		if err != nil || n < filled {
			t.Error(n, err)
		}
		closeStore(t, s) // then there is a sum, too
	}
}

func TestUnsafeDirectoriesAreRefused(t *testing.T) {
	base := t.TempDir()
	mkdir := func(name string, mode fs.FileMode) string {
		path := filepath.Join(base, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	target := mkdir("target", 0o700)
	link := filepath.Join(base, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{ // path -> what the error says
		mkdir("group", 0o770):                "chmod 700",
		mkdir("other", 0o702):                "chmod 700",
		mkdir("everyone", 0o777):             "mode 0777",
		mkdir("sticky", 0o777|fs.ModeSticky): "chmod 700",
		link:                                 "symbolic link",
		file:                                 "not a directory",
		filepath.Join(file, "x"):             "not a directory",
	}
	if os.Geteuid() == 0 {
		foreign := mkdir("foreign", 0o700)
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		cases[foreign] = "belongs to another user"
	}
	for path, want := range cases {
		s, err := Open(path, Config{})
		if err == nil {
			closeStore(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if entries, _ := os.ReadDir(target); len(entries) > 0 {
		t.Errorf("something was made behind the link: %v", entries)
	}
	closeStore(t, openAt(t, mkdir("readable", 0o755), Config{}))
}

// outside makes a directory and a file that must stay as they are.
func outside(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		text, err := os.ReadFile(file)
		entries, _ := os.ReadDir(dir)
		if string(text) != "precious" || err != nil || len(entries) != 1 {
			t.Errorf("what is outside has changed: %q, %v, %v", text, err, entries)
		}
	})
	return dir, file
}

func TestPlantedDirectoriesAreRefused(t *testing.T) {
	for _, name := range []string{tempName, "00", "ff"} {
		s := openAt(t, t.TempDir(), Config{})
		closeStore(t, s)
		_ = os.Remove(filepath.Join(s.dir, name))
		out, _ := outside(t)
		if err := os.Symlink(out, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(s.dir, Config{}); err == nil || !strings.Contains(err.Error(), name+" in it is not a directory: remove it") {
			t.Error(err)
		}
	}
}

// A directory that becomes a link while the store is open leads nowhere.
func TestPlantedWhileOpen(t *testing.T) {
	for _, name := range []string{tempName, key(1)[:2]} {
		s := openAt(t, t.TempDir(), Config{MaxBytes: 2 * 4096})
		put(t, s, key(1), "value")
		put(t, s, key(2), "value")
		out, _ := outside(t)
		if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, name)), os.Symlink(out, filepath.Join(s.dir, name))); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), key(1), cache.Entry{}); err == nil {
			t.Error("put followed the link", name)
		}
		if e, ok, _ := s.Get(t.Context(), key(1)); ok && name != tempName {
			t.Errorf("get followed the link: %v", e)
		}
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
		put(t, s, key(3), "value") // evicts key 1 or 2
		put(t, s, key(1), "again")
		want(t, s, key(1), "again")
	}
}

// Whatever stands in the place of a blob, it is not followed and not waited for.
func TestPlantedBlobs(t *testing.T) {
	cases := map[string]func(t *testing.T, path string, blob []byte) error{
		"link outside": func(t *testing.T, path string, _ []byte) error {
			t.Helper()
			_, file := outside(t)
			return os.Symlink(file, path)
		},
		"link to a good blob outside": func(t *testing.T, path string, blob []byte) error {
			t.Helper()
			good := filepath.Join(t.TempDir(), "good")
			return errors.Join(os.WriteFile(good, blob, 0o600), os.Symlink(good, path))
		},
		"dangling link":    func(_ *testing.T, path string, _ []byte) error { return os.Symlink("nothing", path) },
		"link to itself":   func(_ *testing.T, path string, _ []byte) error { return os.Symlink(filepath.Base(path), path) },
		"link to a device": func(_ *testing.T, path string, _ []byte) error { return os.Symlink("/dev/zero", path) },
		"hard link": func(t *testing.T, path string, _ []byte) error {
			t.Helper()
			_, file := outside(t)
			return os.Link(file, path)
		},
		"pipe": func(_ *testing.T, path string, _ []byte) error { return syscall.Mkfifo(path, 0o600) },
	}
	for name, plant := range cases {
		t.Run(name, func(t *testing.T) {
			eachEnd(t, key(1), func(path string, blob []byte) error {
				return errors.Join(os.Remove(path), plant(t, path, blob))
			})
		})
	}
}

// So with the store's own files.
func TestPlantedFiles(t *testing.T) {
	for _, name := range []string{indexName, sumName, lockName} {
		for kind, plant := range map[string]func(file, path string) error{
			"link":      os.Symlink,
			"hard link": os.Link,
			"pipe":      func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				s := openAt(t, t.TempDir(), Config{})
				put(t, s, key(1), "value")
				closeStore(t, s)
				_, file := outside(t)
				path := filepath.Join(s.dir, name)
				_ = os.Remove(path)
				if err := plant(file, path); err != nil {
					t.Fatal(err)
				}
				s, err := Open(s.dir, Config{})
				if err != nil {
					if name != lockName {
						t.Error(err)
					}
					return
				}
				put(t, s, key(2), "value")
				want(t, s, key(1), "value")
				want(t, s, key(2), "value")
				closeStore(t, s)
			})
		}
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "value")
	for _, name := range []string{"1", "77", "link"} {
		path := filepath.Join(s.dir, tempName, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stranger := filepath.Join(s.dir, key(1)[:2], "README")
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s, crash)
	if entries, _ := os.ReadDir(filepath.Join(s.dir, tempName)); len(entries) > 0 {
		t.Errorf("%v are left", entries)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Error(err)
	}
	want(t, s, key(1), "value")
}

// A write that fails in the middle leaves nothing behind. The limit is one of the
// process, and the test needs one of its own.
func TestWriteError(t *testing.T) {
	if os.Getenv(limitVariable) == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWriteError$")
		cmd.Env = append(os.Environ(), limitVariable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	s := openAt(t, t.TempDir(), Config{})
	put(t, s, key(1), "old")

	limit := old
	limit.Cur = 20000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	errSmall := s.Put(t.Context(), key(2), cache.Entry{Value: []byte("fits")})
	errLarge := s.Put(t.Context(), key(1), cache.Entry{Value: make([]byte, 100<<10)})
	fill(t, s)
	s.save(1) // the index does not fit
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if errSmall != nil {
		t.Error(errSmall)
	}
	if !errors.Is(errLarge, syscall.EFBIG) || !strings.Contains(errLarge.Error(), s.dir) {
		t.Error(errLarge)
	}
	if entries, _ := os.ReadDir(filepath.Join(s.dir, tempName)); len(entries) > 0 {
		t.Errorf("%v are left", entries)
	}
	s = reopen(t, s, func(s *Store) { closeStore(t, s) })
	wantFilled(t, s)
	large := bytes.Repeat([]byte("x"), 100<<10)
	put(t, s, key(1), string(large))
	want(t, s, key(1), string(large))
}
