package manifest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/manifest"
)

var update = flag.Bool("update", false, "write the golden error texts")

// canary is the value of every secret in the tests; no text may hold it.
const canary = "c4n4ry-S3CRET"

func lookup(name string) (string, bool) {
	value, ok := map[string]string{
		"SECRET": canary,
		"DIGITS": "4711",
		"NEAR":   "gzp",
		"JEAGER": "jeager",
		"EMPTY":  "",
		"ON":     "false",
		"RATIO":  "0.5",
		"NAME":   "billing",
		"LATIN1": "caf\xe9",
		"NUL":    "a\x00b",
		"YAML":   "x, y: [1]",

		"COLLECTOR_TOKEN": "", "_x1": "",
	}[name]
	return value, ok
}

func catalogue([]string) []manifest.KnownBackend {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "schemas", name+".json"))
		if err != nil {
			panic(err)
		}
		return data
	}
	return []manifest.KnownBackend{
		{Name: "console"},
		{Name: "jaeger", Schema: read("jaeger")},
		{Name: "otlp", Schema: read("otlp")},
		{Name: "rules", Schema: read("rules")},
		{Name: "broken", Schema: []byte(`{"type": 7}`)},
		{Name: "remote", Schema: []byte(`{"$ref": "file:///etc/passwd"}`)},
		{Name: "text", Schema: []byte(`{`)},
	}
}

var options = manifest.Options{LookupEnv: lookup, Backends: catalogue}

// TestBad holds every error text: they are what people read.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 90 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := manifest.Parse("spanloom.yaml", data, options)
			if err == nil {
				t.Fatalf("no error; got %+v", m)
			}
			if m != nil {
				t.Error("a manifest beside an error")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, canary) || strings.HasPrefix(filepath.Base(file), "env_") && (strings.Contains(got, "4711") || strings.Contains(got, "gzp") || strings.Contains(got, "jeager")) {
				t.Errorf("a value of the environment is in the text:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("error text (-want +got):\n%s", diff)
			}
		})
	}
}
