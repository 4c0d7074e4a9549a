//go:build unix

package spool

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
	s := open(t, dir, 1, Config{})
	add(t, s, 1, 2, 10)
	s.Ack(1, 1)
	defer closeSpool(t, s)
	files := 0
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		want := os.FileMode(0o600)
		if e.IsDir() {
			want = 0o700 | os.ModeDir
		} else {
			files++
		}
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want %v (%v)", path, info.Mode(), want, err)
		}
		return nil
	})
	if err != nil || files != 4 {
		t.Error(files, err)
	}
}

func TestUnsafeDirectories(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	for name, mode := range map[string]os.FileMode{"wide": 0o770, "open": 0o755, "foreign": 0o700} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(at("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), at("link")); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"wide": "it can be changed by other users (mode 0770): chmod 700 it, if they have not",
		"open": "it can be read by other users (mode 0755): chmod 700 it",
		"file": "it is not a directory: choose another",
		"link": "it is a symbolic link: name the directory that it leads to",
	}
	if os.Getuid() == 0 {
		if err := os.Chown(at("foreign"), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		cases["foreign"] = "it belongs to another user: choose a directory of your own"
	}
	for name, want := range cases {
		if _, err := Open(at(name), 1, Config{}); err == nil || err.Error() != "spool "+at(name)+": "+want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What somebody has put in the place of a log, or of a file of one, is neither
// followed nor written to, is told of, and keeps nobody from the rest.
func TestPlants(t *testing.T) {
	const logAt = "v1-20261121T170000.000000001Z-0000000000000063"
	segmentAt := filepath.Join(logAt, "00000001.seg")
	plants := map[string]struct {
		at    string
		plant func(victim, at string) error
		want  string
	}{
		"link":     {segmentAt, os.Symlink, "it is not a regular file: remove it"},
		"inner":    {segmentAt, func(_, at string) error { return os.Symlink("../victim", at) }, "it is not a regular file"},
		"dangling": {segmentAt, func(v, at string) error { return os.Symlink(v+"x", at) }, "it is not a regular file"},
		"hard":     {segmentAt, os.Link, "it has a second name elsewhere (a hard link): remove it"},
		"fifo":     {segmentAt, func(_, at string) error { return syscall.Mkfifo(at, 0o600) }, "it is not a regular file"},
		"wide":     {segmentAt, func(_, at string) error { return plantFile(at, 0o644) }, "its mode is 0644: chmod 600 it, if nobody has changed it"},
		"program":  {segmentAt, func(_, at string) error { return plantFile(at, 0o700) }, "its mode is 0700"},
		"lock":     {filepath.Join(logAt, lockName), os.Symlink, "it is not a regular file"},
		"log":      {logAt, func(_, at string) error { return os.Mkdir(at, 0o750) }, "it can be read by other users (mode 0750)"},
	}
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			s := open(t, dir, 1, Config{})
			add(t, s, 1, 3, 10)
			closeSpool(t, s)
			victim := filepath.Join(dir, "victim")
			if err := os.WriteFile(victim, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			if p.at != logAt {
				if err := os.Mkdir(filepath.Join(dir, logAt), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.plant(victim, filepath.Join(dir, p.at)); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir, 2, Config{})
			wantRest(t, s.NewReader(), "1:1-3")
			s.Ack(1, 3)
			add(t, s, 1, 1, 10)
			list := s.Problems()
			if len(list) != 1 || !strings.HasPrefix(list[0].Error(), "spool "+dir+": "+logAt+" is left as it is: ") ||
				!strings.Contains(list[0].Error(), p.want) || !strings.Contains(list[0].Error(), filepath.Join(dir, p.at)) {
				t.Error(list)
			}
			s.Ack(2, 1)
			closeSpool(t, s)
			if text, _ := os.ReadFile(victim); string(text) != "text" {
				t.Errorf("the file is %q now", text)
			}
			if _, err := os.Stat(victim + "x"); err == nil {
				t.Error("a file was made")
			}
		})
	}
}

func plantFile(at string, mode os.FileMode) error {
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		return err
	}
	return os.Chmod(at, mode)
}

// What has other names, such as the logs of a later version, stays as it is.
func TestForeign(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir, 1, Config{})
	for _, name := range []string{"v2-20261121T170000.000000001Z-0000000000000063", "v1-x", "v1-20261121T170000.000000001Z-63", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "00000001.seg"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "v1-20261121T170000.000000001Z-0000000000000063"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	s = open(t, dir, 2, Config{})
	if len(s.Problems()) != 0 {
		t.Error(s.Problems())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 6 {
		t.Error(entries)
	}
}
