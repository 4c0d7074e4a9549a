package manifest_test

import (
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/manifest"
)

func ExampleManifest_Settings() {
	text := `version: "1"
telemetry:
  service: { name: billing, mode: prod }
  backends:
    - plugin: otlp
      config: { endpoint: "https://${env:COLLECTOR}:4317", headers: { x-tenant: "4711" } }
`
	env := map[string]string{"COLLECTOR": "collector.internal", "SPANLOOM_LOG_LEVEL": "debug"}
	m, err := manifest.Parse("spanloom.yaml", []byte(text), manifest.Options{
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range m.Settings() {
		if strings.Contains(s.Path, "config") || strings.HasSuffix(s.Path, "level") || strings.HasSuffix(s.Path, "ratio") {
			fmt.Printf("%s = %v, from %s\n", s.Path, s.Value, s.Origin)
		}
	}
	// Output:
	// telemetry.backends[0].config.endpoint = https://${env:COLLECTOR}:4317, from COLLECTOR (spanloom.yaml:6:27)
	// telemetry.backends[0].config.headers.x-tenant = [redacted], from spanloom.yaml:6:81
	// telemetry.logs.level = debug, from SPANLOOM_LOG_LEVEL
	// telemetry.sampling.ratio = 0.1, from default
}
