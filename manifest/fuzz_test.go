package manifest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spanloom/spanloom/manifest"
)

// FuzzParse starts from every file of testdata besides its own corpus.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	o := options
	// Read once: a fuzz target must not depend on the file system.
	known := catalogue(nil)
	o.Backends = func([]string) []manifest.KnownBackend { return known }
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Parse("spanloom.yaml", data, o)
		if err != nil {
			if m != nil {
				t.Error("a manifest beside an error")
			}
			checkErrors(t, err)
			return
		}
		if m.Version == "" || m.Telemetry.ShutdownTimeout <= 0 {
			t.Errorf("accepted %+v", m)
		}
		names := map[string]bool{}
		for _, b := range m.Telemetry.Backends {
			if names[b.Name] || b.Name == "" || (b.Plugin == "") == (len(b.Command) == 0) {
				t.Errorf("accepted %+v", b)
			}
			names[b.Name] = true
			if len(b.Command) > 0 && !filepath.IsAbs(b.Command[0]) {
				t.Errorf("accepted the command %q", b.Command)
			}
		}
	})
}
