package manifest

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzOverlay lays any text over any other: whatever comes out has its place.
func FuzzOverlay(f *testing.F) {
	archives, err := filepath.Glob("testdata/resolve/overlay*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal(archives, err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data, archive.Files[1].Data)
	}
	full, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full, full)
	o := Options{Mode: "dev", LookupEnv: func(name string) (string, bool) { return "c4n4ry-S3CRET", name == "SECRET" }}
	f.Fuzz(func(t *testing.T, base, top []byte) {
		asked := 0
		overlay := func(mode string) (source, bool, error) {
			asked++
			return source{file: "spanloom." + mode + ".yaml", data: top}, true, nil
		}
		m, err := parse(source{file: "spanloom.yaml", data: base}, "", overlay, o)
		if asked > 1 {
			t.Errorf("the overlay is read %d times", asked)
		}
		if err == nil {
			if m.Overlay != "spanloom.dev.yaml" || m.Telemetry.Service.Mode != "dev" {
				t.Errorf("accepted %+v", m)
			}
			for _, s := range m.Settings() {
				if s.Origin.File != "" && (s.Origin.Line < 1 || s.Origin.Column < 1) {
					t.Errorf("no place: %+v", s)
				}
			}
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 || len(errs) > maxErrors+1 {
			t.Fatalf("got %T with %d errors", err, len(errs))
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || !strings.HasPrefix(e.File, "spanloom.") {
				t.Errorf("no place or no words: %#v", e)
			}
			if strings.Contains(e.Error(), "c4n4ry") && !strings.Contains(string(base)+string(top), "c4n4ry") {
				t.Errorf("a value of the environment is in the text: %v", e)
			}
		}
	})
}

// FuzzResource holds that what is read of OTEL_RESOURCE_ATTRIBUTES is what was
// written, and that what is no list is refused as a whole.
func FuzzResource(f *testing.F) {
	for _, text := range []string{
		"", " ", "a=b", " a = b , c=d ", "a=b%2Cc%3Dd", "a=", "=b", "a", "a=b,", ",", "a=%", "a=%zz", "a=%ff", "a=%00", "a=b=c", "%61=b", "a=é",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, ok := parseResource(text)
		if !ok {
			if len(list) > 0 {
				t.Error("a part of it counts")
			}
			return
		}
		members := make([]string, len(list))
		for i, kv := range list {
			if kv[0] == "" {
				t.Error("a key is empty")
			}
			members[i] = url.QueryEscape(kv[0]) + "=" + strings.ReplaceAll(url.QueryEscape(kv[1]), "+", "%20")
			members[i] = strings.ReplaceAll(members[i], "+", "%20")
		}
		again, ok := parseResource(strings.Join(members, ","))
		if !ok || len(again) != len(list) {
			t.Fatalf("%q is %q, then %q", text, list, again)
		}
		for i := range list {
			if list[i] != again[i] {
				t.Errorf("%q became %q", list[i], again[i])
			}
		}
	})
}
