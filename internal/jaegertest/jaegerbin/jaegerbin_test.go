package jaegerbin_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spanloom/spanloom/internal/jaegertest/jaegerbin"
)

func TestPath(t *testing.T) {
	userCache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, binary, cache, want string }{
		{"by default", "", "", filepath.Join(userCache, "spanloom", "jaeger-"+jaegerbin.Version)},
		{"own cache", "", "/cache", "/cache/spanloom/jaeger-" + jaegerbin.Version},
		{"own binary", "/opt/jaeger", "/cache", "/opt/jaeger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("SPANLOOM_JAEGER", tc.binary)
			t.Setenv("SPANLOOM_CACHE", tc.cache)
			if got, err := jaegerbin.Path(); err != nil || got != tc.want {
				t.Errorf("Path() = %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestBuildKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jaeger")
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPANLOOM_JAEGER", path)
	t.Setenv("PATH", "") // so that a build would fail
	if got, err := jaegerbin.Build(t.Context()); err != nil || got != path {
		t.Errorf("Build() = %q, %v; want %q", got, err, path)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "kept" {
		t.Errorf("the binary became %q, %v", text, err)
	}
}
