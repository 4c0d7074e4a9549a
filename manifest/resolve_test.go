package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spanloom/spanloom/manifest"
)

// TestResolve runs the archives of testdata/resolve: what the files and the
// environment come to, with origins, or what is wrong with them.
func TestResolve(t *testing.T) {
	archives, err := filepath.Glob("testdata/resolve/*.txtar")
	if err != nil || len(archives) < 20 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for i := range archives {
		archives[i] = abs(t, archives[i])
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			env, want := map[string]string{}, ""
			inputs := archive.Files[:0]
			for _, f := range archive.Files {
				switch f.Name {
				case "want":
					want = string(f.Data)
					continue
				case "env":
					for line := range strings.Lines(string(f.Data)) {
						key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
						env[key] = value
					}
				default:
					write(t, f.Name, string(f.Data))
				}
				inputs = append(inputs, f)
			}
			// The schemas are beside the archives.
			known := known(t, filepath.Dir(filepath.Dir(name)))
			o := manifest.Options{Backends: func([]string) []manifest.KnownBackend { return known }, LookupEnv: func(name string) (string, bool) {
				if value, ok := env[name]; ok {
					return value, true
				}
				return lookup(name)
			}}
			got := resolved(manifest.Load("spanloom.yaml", o))
			if strings.Contains(got, "c4n4ry") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			if *update {
				archive.Files = slices.Concat(inputs, []txtar.File{{Name: "want", Data: []byte(got)}})
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// resolved is what a manifest comes to, without what is so by default.
func resolved(m *manifest.Manifest, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, w := range m.Warnings {
		fmt.Fprintf(&b, "warning: %v\n", w)
	}
	for _, s := range m.Settings() {
		if origin := s.Origin.String(); origin != "default" || s.Path == "telemetry.sampling.ratio" || strings.HasSuffix(s.Path, ".plugin") {
			fmt.Fprintf(&b, "%s = %s  # %s\n", s.Path, plain(s.Value), origin)
		}
	}
	return b.String()
}

func plain(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func known(t *testing.T, testdata string) []manifest.KnownBackend {
	t.Helper()
	var list []manifest.KnownBackend
	for _, name := range []string{"console", "jaeger", "otlp", "rules"} {
		schema, err := os.ReadFile(filepath.Join(testdata, "schemas", name+".json"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		list = append(list, manifest.KnownBackend{Name: name, Schema: schema})
	}
	return list
}
