package manifest_test

import (
	"testing"

	"github.com/spanloom/spanloom/manifest"
)

func TestRedact(t *testing.T) {
	env := map[string]string{
		"TOKEN": "e5b2secret", "LONGER": "e5b2secret-and-more", "SHORT": "abc", "EMPTY": "",
		"COLLECTOR": "http://user:pa%20ssword@collector.internal:4318/v1", "DIR": "/opt//canary dir/", "QUOTED": "a\"b\nc",
	}
	m, err := manifest.Parse("spanloom.yaml", []byte(`version: "1"
telemetry:
  service: { name: "${env:SHORT}${env:EMPTY:-fallback}${env:UNSET:-fallback}" }
  backends:
    - name: x
      command: ["/bin/${env:TOKEN}", "${env:LONGER}", "${env:COLLECTOR}", "${env:DIR}", "${env:QUOTED}"]
`), manifest.Options{LookupEnv: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                 "",
		"no file /bin/e5b2secret":          "no file /bin/${env:TOKEN}",
		"e5b2secret-and-more, e5b2secret.": "${env:LONGER}, ${env:TOKEN}.",
		"abc and fallback stay":            "abc and fallback stay",
		"lookup collector.internal: no":    "lookup ${env:COLLECTOR}: no",
		"dial collector.internal:4318":     "dial ${env:COLLECTOR}",
		"at " + env["COLLECTOR"]:           "at ${env:COLLECTOR}",
		"open /opt/canary dir/x":           "open ${env:DIR}/x",
		`the argument "a\"b\nc"`:           `the argument "${env:QUOTED}"`,
	} {
		if got := m.Redact(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	plain, err := manifest.Parse("spanloom.yaml", []byte(`version: "1"`), manifest.Options{})
	if err != nil || plain.Redact("as it is") != "as it is" {
		t.Error(err)
	}
}
