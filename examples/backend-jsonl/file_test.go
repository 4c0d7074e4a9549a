package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func opened(t *testing.T, c config) *file {
	t.Helper()
	f, err := openFile(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.close() })
	return f
}

// written returns what is in a file and those that are older, the newest first.
func written(t *testing.T, path string) (list []string) {
	t.Helper()
	for n := 0; ; n++ {
		name := path
		if n > 0 {
			name = fmt.Sprintf("%s.%d", path, n)
		}
		data, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		list = append(list, string(data))
	}
}

func made(lines ...string) (list [][]byte) {
	for _, l := range lines {
		list = append(list, []byte(l+"\n"))
	}
	return list
}

func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	f := opened(t, config{Path: path, MaxBytes: 8, Files: 3, Sync: true})
	// Four bytes a line, two to a file; one is longer than a file may be.
	for _, list := range [][][]byte{made("aaa"), made("bbb", "ccc"), nil, made("ddd", "eee", "longer than all"), made("fff")} {
		if err := f.write(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"fff\n", "longer than all\n", "eee\n"}
	if got := written(t, path); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	f := opened(t, config{Path: path, MaxBytes: 4, Files: 1})
	if err := f.write(t.Context(), made("aaa", "bbb")); err != nil {
		t.Fatal(err)
	}
	if got := written(t, path); !slices.Equal(got, []string{"bbb\n"}) {
		t.Errorf("%q", got)
	}
}

// TestTornLine: what a killed process began is cut off, wherever the end of a block is.
func TestTornLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64<<10)
	for name, c := range map[string]struct{ is, want string }{
		"whole":             {"aaa\nbbb\n", "aaa\nbbb\nnew\n"},
		"torn":              {"aaa\nbb", "aaa\nnew\n"},
		"nothing but a bit": {"aa", "new\n"},
		"longer than block": {"aaa\n" + long + "xyz", "aaa\nnew\n"},
		"end of a block":    {long[1:] + "\n" + long, long[1:] + "\nnew\n"},
		"empty":             {"", "new\n"},
	} {
		path := filepath.Join(t.TempDir(), "runs.jsonl")
		if err := os.WriteFile(path, []byte(c.is), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := opened(t, config{Path: path, MaxBytes: 1 << 20, Files: 2}).write(t.Context(), made("new")); err != nil {
			t.Fatal(err)
		}
		if got := written(t, path); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %d files, the first ends in %q", name, len(got), got[0][max(len(got[0])-20, 0):])
		}
	}
}

// TestKilledInARotation: between any two renames all lines are there, and the next
// process goes on.
func TestKilledInARotation(t *testing.T) {
	t.Parallel()
	for _, gap := range []string{"", ".1", ".2"} {
		path := filepath.Join(t.TempDir(), "runs.jsonl")
		for _, name := range []string{"", ".1", ".2"} {
			if name != gap {
				if err := os.WriteFile(path+name, []byte("old"+name+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		f := opened(t, config{Path: path, MaxBytes: 4, Files: 5})
		if err := f.write(t.Context(), made("aaa", "bbb")); err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, name := range []string{"", ".1", ".2", ".3", ".4"} {
			data, _ := os.ReadFile(path + name)
			all += string(data)
		}
		for _, name := range []string{"", ".1", ".2"} {
			if kept := strings.Contains(all, "old"+name+"\n"); kept != (name != gap) {
				t.Errorf("without %q: %q", gap, all)
			}
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("links need a privilege here: ", err)
		}
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "x"): "the directory of path: open",
		filepath.Join(dir, "link"):      "link is not a regular file",
		dir:                             filepath.Base(dir) + " is not a regular file",
	} {
		if _, err := openFile(config{Path: path, MaxBytes: 9, Files: 2}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if data, _ := os.ReadFile(outside); !bytes.Equal(data, []byte("keep me")) {
		t.Errorf("%q", data)
	}
}

func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	c := config{Path: filepath.Join(t.TempDir(), "runs.jsonl"), MaxBytes: 9, Files: 2}
	f := opened(t, c)
	if err := f.write(t.Context(), made("aaa")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path+".lock", []byte("1"), 0o600); err != nil { // as if another had started it
		t.Fatal(err)
	}
	if _, err := openFile(c); err == nil || !strings.Contains(err.Error(), "config.path: another program writes to this file") {
		t.Error(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	opened(t, c)
}

// TestSuccessor: it is ready while the one before it writes, and writes once that has ended.
func TestSuccessor(t *testing.T) {
	t.Parallel()
	c := config{Path: filepath.Join(t.TempDir(), "runs.jsonl"), MaxBytes: 99, Files: 2}
	before, after := opened(t, c), opened(t, c)
	if err := before.write(t.Context(), made("aaa")); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := after.write(gone, made("xxx")); !errors.Is(err, errOurs) {
		t.Error(err)
	}
	done := make(chan error)
	go func() { done <- after.write(t.Context(), made("ccc")) }()
	if err := errors.Join(before.write(t.Context(), made("bbb")), before.close(), <-done); err != nil {
		t.Error(err)
	}
	if got := written(t, c.Path); !slices.Equal(got, []string{"aaa\nbbb\nccc\n"}) {
		t.Errorf("%q", got)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := config{Path: "/x", MaxBytes: 1, Files: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []config{{Path: "x", MaxBytes: 1, Files: 1}, {Path: "/x", Files: 1}, {Path: "/x", MaxBytes: 1}} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v", bad)
		}
	}
}
