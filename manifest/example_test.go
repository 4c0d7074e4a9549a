package manifest_test

import (
	"errors"
	"fmt"

	"github.com/spanloom/spanloom/manifest"
)

func ExampleParse() {
	text := `
version: "1"
telemetry:
  service: { name: billing }
  backends:
    - plugin: otlp
      config:
        endpoint: ${env:COLLECTOR:-localhost:4317}
`
	m, err := manifest.Parse("spanloom.yaml", []byte(text), manifest.Options{
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range m.Telemetry.Backends {
		fmt.Printf("%s: %s %s\n", b.Name, b.Plugin, b.Config)
	}
	fmt.Println(m.Telemetry.ShutdownTimeout)
	// Output:
	// otlp: otlp {"endpoint":"localhost:4317"}
	// 3s
}

func ExampleParse_errors() {
	text := `version: "1"
telemetry:
  shutdown_timeout: soon
  backends:
    - plugin: jeager
    - plugin: otlp
      config:
        endpont: localhost:4317
`
	_, err := manifest.Parse("spanloom.yaml", []byte(text), manifest.Options{
		Backends: func(dirs []string) []manifest.KnownBackend {
			return []manifest.KnownBackend{
				{Name: "console"},
				{Name: "jaeger"},
				{Name: "otlp", Schema: []byte(`{
					"type": "object",
					"additionalProperties": false,
					"properties": {"endpoint": {"type": "string"}}
				}`)},
			}
		},
	})
	if errs, ok := errors.AsType[manifest.Errors](err); ok {
		fmt.Println(len(errs), "errors")
	}
	fmt.Println(err)
	// Output:
	// 3 errors
	// spanloom.yaml:3:21: telemetry.shutdown_timeout: "soon" is not a duration; write it like 3s, 500ms or 1m30s
	// spanloom.yaml:5:15: telemetry.backends[0].plugin: no backend "jeager"; did you mean "jaeger"? available: console, jaeger, otlp
	// spanloom.yaml:8:9: telemetry.backends[1].config.endpont: unknown key; did you mean "endpoint"?
}

func ExampleManifest_Errorf() {
	text := `version: "1"
telemetry:
  backends:
    - command: [./bin/mine]
`
	m, err := manifest.Parse("spanloom.yaml", []byte(text), manifest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Errorf("telemetry.backends[0].command[0]", "the program is not executable; run chmod +x"))
	// Output:
	// spanloom.yaml:4:17: telemetry.backends[0].command[0]: the program is not executable; run chmod +x
}
