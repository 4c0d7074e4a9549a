package manifest_test

import (
	"testing"

	"github.com/spanloom/spanloom/manifest"
)

// What the environment says of the resource is looked at by the redactor; what the
// manifest says is not.
func TestResourceOfTheEnvironmentHasNoSecrets(t *testing.T) {
	env := map[string]string{
		"OTEL_RESOURCE_ATTRIBUTES": "team=payments,api_key=s3cret,note=Bearer%20s3cret,service.version=token%3Ds3cret,known=k4n4ry,api_token=s3cret",
	}
	m, err := manifest.Parse("spanloom.yaml", []byte(`version: "1"
telemetry:
  attributes: { api_token: as it is }
  backends: [{ command: [/x], config: { key: "${env:KNOWN}" } }]
`), manifest.Options{LookupEnv: func(name string) (string, bool) {
		if name == "KNOWN" {
			return "k4n4ry", true
		}
		v, ok := env[name]
		return v, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"team": "payments", "api_key": "[redacted]", "note": "Bearer [redacted]", "known": "${env:KNOWN}", "api_token": "as it is",
	} {
		if got := m.Telemetry.Attributes[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := m.Telemetry.Service.Version; got != "token=[redacted]" {
		t.Errorf("service.version is %q", got)
	}
}
