package lockfile_test

import (
	_ "embed"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/lockfile"
)

const (
	a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	b = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

//go:embed testdata/spanloom.lock
var text string

// sample makes the file of text.
func sample() *lockfile.File {
	f := &lockfile.File{}
	f.Add(false, "script", "linux/amd64", lockfile.Entry{Command: []string{"/bin/sh", "./x.sh", "<&>"}}, map[string]string{"/bin/sh": b, "./x.sh": a})
	mine := lockfile.Entry{Version: "1.2.3", Schema: []byte(`{"type":"object", "additionalProperties":false}`)}
	f.Add(true, "mine", "linux/amd64", mine, map[string]string{"spanloom-backend-mine": a})
	f.Add(true, "mine", "darwin/arm64", mine, map[string]string{"spanloom-backend-mine": b})
	return f
}

func TestText(t *testing.T) {
	got, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, string(got)); d != "" {
		t.Error(d)
	}
	for _, data := range []string{text, strings.ReplaceAll(text, "\n", "\r\n")} {
		f, err := lockfile.Parse([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		again, _ := f.Encode()
		if string(again) != text {
			t.Errorf("read and written it is\n%s", again)
		}
	}
}

func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ old, text, want string }{
		"empty":          {text, "", "it is not JSON"},
		"a list":         {text, "[]", "it is not JSON"},
		"newer":          {`"version": 1`, `"version": 2`, "its version is 2, and this program reads 1"},
		"unknown key":    {`"plugins"`, `"plugin"`, `unknown field "plugin"`},
		"short sum":      {a, a[1:], "is not one of SHA-256"},
		"capital":        {a, "A" + a[1:], "is not one of SHA-256"},
		"platform":       {`"linux/amd64"`, `"linux"`, `"linux" is not a platform with sums`},
		"no sums":        {`"commands": {`, `"commands": { "x": {"sha256": {}},`, `"x" has no sums`},
		"null":           {`"commands": {`, `"commands": { "x": null,`, `"x" has no sums`},
		"a key twice":    {`"linux/amd64": {`, `"linux/amd64": {"spanloom-backend-mine": "` + b + `"}, "linux/amd64": {`, "it is not in the form"},
		"a second file":  {`"about"`, `"commands": {}, "about"`, "it is not in the form"},
		"something more": {text, text + "{}", "it is not JSON"},
		"merge marks":    {`  "version": 1`, "<<<<<<< HEAD\n" + `  "version": 1`, "it is not JSON"},
		"too large":      {text, text + strings.Repeat(" ", 4<<20), "larger than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lockfile.Parse([]byte(strings.Replace(text, tt.old, tt.text, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// The sums of other platforms stay while the backend is the same.
func TestAdd(t *testing.T) {
	schema := []byte(`{"type":"object","additionalProperties":false}`)
	sums := map[string]string{"spanloom-backend-mine": b}
	for name, tt := range map[string]struct {
		entry lockfile.Entry
		gone  []string
	}{
		"the same":       {lockfile.Entry{Version: "1.2.3", Schema: schema}, nil},
		"another schema": {lockfile.Entry{Version: "1.2.3"}, []string{"darwin/arm64"}},
		"newer":          {lockfile.Entry{Version: "1.2.4", Schema: schema}, []string{"darwin/arm64"}},
	} {
		f := sample()
		if gone := f.Add(true, "mine", "linux/amd64", tt.entry, sums); !cmp.Equal(gone, tt.gone) {
			t.Errorf("%s: %q went, want %q", name, gone, tt.gone)
		}
		entry, _ := f.Entry(true, "mine")
		if len(entry.SHA256) != 2-len(tt.gone) || entry.SHA256["linux/amd64"]["spanloom-backend-mine"] != b {
			t.Errorf("%s: %v", name, entry.SHA256)
		}
	}
}

func TestCompare(t *testing.T) {
	e := lockfile.Entry{SHA256: map[string]map[string]string{lockfile.Platform(): {"x": a, "y": b}}}
	for _, tt := range []struct {
		sums map[string]string
		want string
	}{
		{map[string]string{"x": a, "y": b}, ""},
		{map[string]string{"x": b, "y": b}, "x has the SHA-256 " + b + " and should have " + a},
		{map[string]string{"x": a}, "it has a sum of y, which the command does not have"},
		{map[string]string{"x": a, "y": b, "z": a}, "it has no sum of z"},
		{nil, "it has a sum of x, which the command does not have"},
	} {
		got := ""
		if m := e.Compare(tt.sums); m != nil {
			got = m.Error()
		}
		if got != tt.want {
			t.Errorf("%v: %q, want %q", tt.sums, got, tt.want)
		}
	}
}

func TestReadAndWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spanloom.lock")
	if _, err := lockfile.Read(path); !lockfile.IsMissing(err) {
		t.Error(err)
	}
	if err := sample().Write(path); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != text {
		t.Errorf("written is\n%s", data)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("%v is left", list)
	}
	if _, err := lockfile.Read(path); err != nil {
		t.Error(err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Read(path); err == nil || !strings.Contains(err.Error(), "can be changed by other users (mode 0666): chmod go-w") {
		t.Error(err)
	}
	if _, err := lockfile.Read(dir); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(text))
	f.Add([]byte(`{"version":1,"plugins":{"x":null}}`))
	f.Add([]byte(`{"about":"","version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := lockfile.Parse(data)
		if err != nil {
			return
		}
		again, err := file.Encode()
		if err != nil || string(again) != strings.ReplaceAll(string(data), "\r\n", "\n") {
			t.Errorf("%v\n%s\nbecame\n%s", err, data, again)
		}
	})
}
