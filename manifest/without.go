package manifest

import "go.yaml.in/yaml/v4"

// Defaults returns the manifest of a program that has none: what the environment
// says, and defaults. Its backends are console when o.Terminal, and otlp when
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set. File
// is empty. The error is Errors, of variables that are wrong.
func Defaults(o Options) (*Manifest, error) {
	return parse(source{none: true}, "", nil, o)
}

// Disabled reports whether OTEL_SDK_DISABLED says true. It wins over all, a
// manifest with mistakes too, so a program may ask before it looks for one. In a
// manifest it is Telemetry.Enabled.
func Disabled(o Options) bool {
	value, _ := o.lookup(envDisabled)
	yes, _ := truth(value)
	return yes
}

// nothing is the document of no file.
func nothing() *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
}
