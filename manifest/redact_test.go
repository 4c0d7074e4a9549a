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

// TestRedactOfWhatBackendsGet has variables that only the processes of backends
// see: those with the name of a secret are in no text, and no other changes one.
func TestRedactOfWhatBackendsGet(t *testing.T) {
	t.Parallel()
	env := map[string]string{"COLLECTOR_TOKEN": "e5b2secret", "HOME": "/home/bob", "IBAN": "DE02120300000000202051"}
	m, err := manifest.Parse("spanloom.yaml", []byte(`version: "1"
telemetry:
  backends: [{ plugin: x, env: [COLLECTOR_TOKEN, HOME, IBAN, UNSET_TOKEN] }]
  capture: { redact: [iban] }
`), manifest.Options{LookupEnv: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	const said = "/home/bob: e5b2secret of DE02120300000000202051 refused"
	if got, want := m.Redact(said), "/home/bob: ${env:COLLECTOR_TOKEN} of ${env:IBAN} refused"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(m.Warnings) != 1 || m.Warnings[0].Error() != "spanloom.yaml:3:62: telemetry.backends[0].env[3]: UNSET_TOKEN is not set; the backend does not get it" {
		t.Error(m.Warnings)
	}
}
