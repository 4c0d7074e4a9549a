//go:build unix && !aix && !solaris

package runs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "a", "b")
	end(t, begin(t, open(t, dir), "x"), "success")
	for path, want := range map[string]os.FileMode{
		dir: 0o700 | os.ModeDir, filepath.Dir(dir): 0o700 | os.ModeDir, filepath.Join(dir, fileName("x")): 0o600,
	} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
}

func TestUnsafeDirectories(t *testing.T) {
	base := t.TempDir()
	wide, file := filepath.Join(base, "wide"), filepath.Join(base, "file")
	if err := os.Mkdir(wide, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(wide, 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		wide: "wide can be changed by other users (mode 0770); chmod go-w " + wide,
		file: "not a directory",
	}
	if os.Getuid() == 0 {
		foreign := filepath.Join(base, "foreign")
		if err := os.Mkdir(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		cases[foreign] = "foreign belongs to another user"
	}
	for dir, want := range cases {
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	end(t, begin(t, open(t, link), "x"), "success") // the user's own link
	if os.Getuid() != 0 {
		return
	}
	for name, at := range map[string]string{"itself": link, "above": filepath.Join(link, "runs"), "behind our own": filepath.Join(base, "ours")} {
		if err := os.Lchown(link, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if name == "behind our own" {
			if err := os.Symlink("link", at); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(at, Options{}); err == nil || !strings.Contains(err.Error(), "link is a link that belongs to another user; name the directory that it leads to") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What someone has put in the place of a run's file is neither followed nor
// written to.
func TestPlants(t *testing.T) {
	plants := map[string]struct {
		plant func(victim, at string) error
		want  string
	}{
		"link":     {os.Symlink, "is not a regular file; remove it"},
		"inner":    {func(_, at string) error { return os.Symlink("victim", at) }, "is not a regular file"},
		"dangling": {func(v, at string) error { return os.Symlink(v+"x", at) }, "is not a regular file"},
		"hard":     {os.Link, "has a second name elsewhere (a hard link); remove it"},
		"fifo":     {func(_, at string) error { return syscall.Mkfifo(at, 0o600) }, "is not a regular file"},
		"dir":      {func(_, at string) error { return os.Mkdir(at, 0o700) }, "is not a regular file"},
		"wide": {func(_, at string) error {
			if err := os.WriteFile(at, nil, 0o600); err != nil {
				return err
			}
			return os.Chmod(at, 0o666)
		}, "can be changed by other users (mode 0666)"},
	}
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			victim, at := filepath.Join(dir, "victim"), filepath.Join(dir, fileName("x"))
			if err := os.WriteFile(victim, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := p.plant(victim, at); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Open(t.Context(), Header{ID: "x"}, nil); err == nil || !strings.Contains(err.Error(), p.want) {
				t.Error(err)
			}
			if _, err := d.List(t.Context()); err == nil || !strings.Contains(err.Error(), p.want) {
				t.Error(err)
			}
			if text, _ := os.ReadFile(victim); string(text) != "text" {
				t.Errorf("the file is %q now", text)
			}
			if _, err := os.Stat(victim + "x"); err == nil {
				t.Error("a file was made")
			}
		})
	}
}

// A full disk refuses a record, tears none, and has room for it later.
func TestFullDisk(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	d := open(t, t.TempDir())
	l := begin(t, d, "x")
	empty := fill(t, 50_000)
	accepted := []int{}
	for i := range 100 {
		if l.Append(numbered(i)) == nil {
			accepted = append(accepted, i)
		}
	}
	empty()
	if len(accepted) == 0 || len(accepted) == 100 {
		t.Fatalf("%d of 100 were accepted", len(accepted))
	}
	add(t, l, numbered(1000))
	end(t, l, "success")
	s, err := d.Stat("x")
	if err != nil || s.Records != len(accepted)+1 || s.Damaged != 0 || s.Cut != 0 {
		t.Errorf("%+v %v, %d accepted", s, err, len(accepted))
	}
}
