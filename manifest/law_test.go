package manifest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/manifest"
)

// over is the rule of overlays in the words of JSON: it is what merging of nodes
// must come to.
func over(base, top any) any {
	b, isMap := base.(map[string]any)
	t, ok := top.(map[string]any)
	if !ok {
		return top
	}
	merged := map[string]any{}
	if isMap {
		maps.Copy(merged, b)
	}
	for k, v := range t {
		if v == nil {
			delete(merged, k)
			continue
		}
		merged[k] = over(merged[k], v)
	}
	return merged
}

// document draws a mapping as a backend's config may be.
func document(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](1.5),
		rapid.Map(rapid.SampledFrom([]string{"", "x", "null", "${env:NAME}", "$$", "7"}), func(s string) any { return s }),
		rapid.Just[any]([]any{"a", nil, map[string]any{"k": nil}}),
	)
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf, mapping(depth))
}

func mapping(depth int) *rapid.Generator[any] {
	return rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-d]`), document(depth-1), 0, 4), func(m map[string]any) any { return m })
}

// TestOverlayLaw lays one config over another, in the same backend of two files.
func TestOverlayLaw(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "spanloom.yaml")
	file := func(name, head string, config any) {
		text, err := json.Marshal(config) // which is YAML too
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), fmt.Sprintf("%stelemetry: {backends: [{plugin: console, config: %s}]}\n", head, text))
	}
	rapid.Check(t, func(t *rapid.T) {
		base, top := mapping(3).Draw(t, "base"), mapping(3).Draw(t, "top")
		file("spanloom.yaml", "version: '1'\n", base)
		file("spanloom.dev.yaml", "", top)
		m, err := manifest.Load(path, manifest.Options{Mode: "dev", LookupEnv: lookup})
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(m.Telemetry.Backends[0].Config, &got); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(over(base, top))
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if err := json.Unmarshal([]byte(strings.NewReplacer("${env:NAME}", "billing", "$$", "$").Replace(string(text))), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v over %v is\n%v, want\n%v", top, base, got, want)
		}
	})
}

// TestNoSecretIsShown puts secrets where the environment can put them, and where
// only their name says that they are.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	const full = `version: "1"
telemetry:
  service: { name: "%[1]s", version: "%[1]s", namespace: "%[1]s", product: "%[1]s" }
  attributes: { team.name: "%[1]s", db.password: "%[2]s" }
  backends:
    - plugin: console
      env: [API_TOKEN]
      config: { a: "%[1]s", b: ["%[1]s", { c: "%[1]s" }], HEADERS: { x: "%[2]s" }, auth: "%[2]s", client_secret: "%[2]s", url: "http://u:%[2]s@h/" }
    - name: mine
      command: ["/opt/%[1]s", "%[1]s", --token, "%[2]s", "--password=%[2]s"]
  capture: { redact: ["%[3]s"] }
plugins: { dirs: ["%[1]s"] }
`
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9+=._ -]{10,30}[A-Za-z0-9]`).Draw(t, "secret")
		form := rapid.SampledFrom([]string{"${env:S}", "x ${env:S}", "${env:S}${env:S}", "${env:NOPE:-" + secret + "}", "${env:API_TOKEN}"}).Draw(t, "form")
		text := fmt.Sprintf(full, form, strings.ReplaceAll(secret, " ", "_"), "${env:NOPE:-iban}")
		env := map[string]string{
			"S": secret, "API_TOKEN": secret, "OTEL_SERVICE_NAME": "x",
			"OTEL_RESOURCE_ATTRIBUTES": "session_id=" + strings.NewReplacer(" ", "%20", "=", "%3D").Replace(secret),
		}
		m, err := manifest.Parse("spanloom.yaml", []byte(text), manifest.Options{LookupEnv: func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Settings() {
			shown := fmt.Sprint(s)
			for _, secret := range []string{secret, strings.ReplaceAll(secret, " ", "_")} {
				if strings.Contains(shown, secret) {
					t.Fatalf("%q is shown: %s", secret, shown)
				}
			}
		}
	})
}

// TestNothingIsMaskedByDefault holds that the keys of the manifest itself are no
// names of secrets.
func TestNothingIsMaskedByDefault(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("spanloom.yaml", data, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Settings() {
		if strings.Contains(fmt.Sprint(s.Value), "[redacted]") != strings.Contains(s.Path, "headers") {
			t.Errorf("%s = %v", s.Path, s.Value)
		}
	}
}
