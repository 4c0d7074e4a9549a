package manifest_test

import (
	"fmt"
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
	for schema, want := range map[string]string{
		`{"type": 7}`: "the config cannot be checked: the schema is invalid: it is not a JSON schema at /type",
		strings.Repeat(`{"not":`, 70) + "{}" + strings.Repeat("}", 70):   "the config cannot be checked: the schema is invalid: it is nested deeper than 64 levels; make it flatter, with $defs, and check the rest in Open",
		`{"$ref": "#/$defs/a0", "$defs": {` + ladder(40) + `"a40": {}}}`: "the config cannot be checked: it takes more than 50000 steps; let fewer parts of the schema refer to others, or shorten its patterns, and check the rest in Open",
	} {
		if err := m.CheckConfig(1, []byte(schema)); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// ladder is n schemas, each of which applies the next twice.
func ladder(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"a%d": {"allOf": [{"$ref": "#/$defs/a%d"}, {"$ref": "#/$defs/a%[2]d"}]}, `, i, i+1)
	}
	return b.String()
}
