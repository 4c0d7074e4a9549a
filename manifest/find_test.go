package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/manifest"
)

func named(name string) string {
	return "version: \"1\"\ntelemetry:\n  service: {name: " + name + "}\n"
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFindOrder(t *testing.T) {
	embedded := []byte(named("embedded"))
	steps := []struct {
		origin string
		given  string
		env    string
		local  bool
		embed  []byte
		want   string // service name; empty for none
		file   string
	}{
		{"given", "given.yaml", "env.yaml", true, embedded, "given", "given.yaml"},
		{"environment", "", "env.yaml", true, embedded, "env", "env.yaml"},
		{"working directory", "", "", true, embedded, "local", "spanloom.yaml"},
		{"embedded", "", "", false, embedded, "embedded", "spanloom.yaml (embedded)"},
		{"none", "", "", false, nil, "", ""},
	}
	for _, s := range steps {
		t.Run(s.origin, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			write(t, "given.yaml", named("given"))
			write(t, "env.yaml", named("env"))
			if s.local {
				write(t, "spanloom.yaml", named("local"))
			}
			o := manifest.Options{LookupEnv: func(name string) (string, bool) {
				return s.env, name == manifest.EnvVar
			}}
			m, err := manifest.Find(s.given, s.embed, o)
			if err != nil {
				t.Fatal(err)
			}
			if s.want == "" {
				if m != nil {
					t.Fatalf("got %+v, want none", m)
				}
				return
			}
			if m.Telemetry.Service.Name != s.want || m.File != s.file {
				t.Errorf("got %q from %q, want %q from %q", m.Telemetry.Service.Name, m.File, s.want, s.file)
			}
			wantDir := dir
			if s.origin == "embedded" {
				wantDir = ""
			}
			if m.Dir != wantDir {
				t.Errorf("Dir = %q, want %q", m.Dir, wantDir)
			}
			if want := filepath.Join(dir, ".spanloom", "backends"); m.Plugins.Dirs[0] != want {
				t.Errorf("Dirs[0] = %q, want %q", m.Plugins.Dirs[0], want)
			}
		})
	}
}

func TestFindMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spanloom.yaml", named("local"))
	tests := []struct{ path, env, want string }{
		{"nope.yaml", "", "manifest nope.yaml: no such file or directory; the path given names it"},
		{"", "nope.yaml", "manifest nope.yaml: no such file or directory; SPANLOOM_MANIFEST names it"},
	}
	for _, tt := range tests {
		o := manifest.Options{LookupEnv: func(string) (string, bool) { return tt.env, true }}
		m, err := manifest.Find(tt.path, nil, o)
		if m != nil || !errors.Is(err, fs.ErrNotExist) || runtime.GOOS != "windows" && err.Error() != tt.want {
			t.Errorf("got %v, %v; want %s", m, err, tt.want)
		}
	}
}

func TestFindDoesNotSkipFaults(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spanloom.yaml", "version: 1\n")
	t.Setenv(manifest.EnvVar, "")
	var errs manifest.Errors
	if _, err := manifest.Find("", []byte(named("embedded")), manifest.Options{}); !errors.As(err, &errs) {
		t.Errorf("got %v, want Errors", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	write(t, large, strings.Repeat("#", 1<<20)+"\n")
	sealed := filepath.Join(dir, "sealed.yaml")
	write(t, sealed, named("x"))
	if err := os.Chmod(sealed, 0); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{dir, "not a regular file"},
		{os.DevNull, "not a regular file"},
		{large, ":1:1: larger than 1 MiB; a manifest is smaller"},
		{filepath.Join(dir, "spanloom.yaml"), "no such file"},
	}
	if os.Geteuid() != 0 && runtime.GOOS != "windows" {
		tests = append(tests, struct{ path, want string }{sealed, "permission denied"})
	}
	for _, tt := range tests {
		_, err := manifest.Load(tt.path, manifest.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.path, err, tt.want)
		}
	}
}

// TestOverlayThatCannotBeRead is not as one that is not there.
func TestOverlayThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "conf.yml")
	write(t, path, named("x"))
	if err := os.Mkdir(filepath.Join(dir, "conf.prod.yml"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := manifest.Options{Mode: "prod", LookupEnv: lookup}
	m, err := manifest.Load(path, o)
	if m != nil || err == nil || !strings.HasSuffix(err.Error(), "conf.prod.yml: not a regular file") {
		t.Errorf("got %v, %v", m, err)
	}
	o.Mode = "dev"
	if m, err := manifest.Load(path, o); err != nil || m.Overlay != "" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestLoadFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "real.yaml"), named("x"))
	link := filepath.Join(dir, "spanloom.yaml")
	if err := os.Symlink("real.yaml", link); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("links need a privilege here: ", err)
		}
		t.Fatal(err)
	}
	m, err := manifest.Load(link, manifest.Options{})
	if err != nil || m.Dir != dir {
		t.Errorf("got %+v, %v", m, err)
	}
}
