package manifest_test

import (
	"strings"
	"testing"

	"github.com/spanloom/spanloom/manifest"
)

func TestCheckConfigOfABackendThatRuns(t *testing.T) {
	t.Parallel()
	m, err := manifest.Parse("m.yaml", []byte(`version: "1"
telemetry:
  backends:
    - command: [/bin/mine]
      config: { prefxi: "> ", size: "${env:SIZE}" }
    - command: [/bin/other]
`), manifest.Options{LookupEnv: func(name string) (string, bool) { return "c4nary", name == "SIZE" }})
	if err != nil {
		t.Fatal(err)
	}
	schema := []byte(`{"type": "object", "additionalProperties": false,
		"properties": {"prefix": {"type": "string"}, "size": {"type": "integer"}}}`)
	err = m.CheckConfig(0, schema)
	want := `m.yaml:5:17: telemetry.backends[0].config.prefxi: unknown key; did you mean "prefix"?
m.yaml:5:37: telemetry.backends[0].config.size: expected a whole number, got a string`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := m.CheckConfig(1, schema); err != nil {
		t.Error(err)
	}
	required := []byte(`{"type": "object", "required": ["size"]}`)
	if err := m.CheckConfig(1, required); err == nil || !strings.Contains(err.Error(), "telemetry.backends[1]") {
		t.Error(err)
	}
	if err := m.CheckConfig(1, []byte(`{"type": 7}`)); err == nil || !strings.Contains(err.Error(), "the schema is invalid") {
		t.Error(err)
	}
}
