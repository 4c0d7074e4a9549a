package manifest

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// attributeForm is what OpenTelemetry recommends for the names of attributes, and
// the characters of the keys of labels beside:
// https://opentelemetry.io/docs/specs/semconv/general/naming/
var attributeForm = regexp.MustCompile(`^[a-z][a-z0-9]*([._/-][a-z0-9]+)*$`)

const maxAttribute = 256

// reserved is what to do instead of setting an attribute that is not free, or "".
func reserved(key string) string {
	switch {
	case ofService[key] != nil:
		return "write " + joinTokens(ofService[key])
	case key == "spanloom.mode":
		return "write telemetry.service.mode"
	case key == "spanloom.product.name":
		return "write telemetry.service.product"
	case strings.HasPrefix(key, "spanloom."):
		return "names that begin with spanloom. are Spanloom's own"
	case strings.HasPrefix(key, "telemetry.sdk."):
		return "names that begin with telemetry.sdk. say what makes the telemetry"
	case strings.HasPrefix(key, "otel."):
		return "names that begin with otel. are OpenTelemetry's own"
	}
	return ""
}

// checkAttributes checks the keys of telemetry.attributes.
func (p *parser) checkAttributes() {
	pl := p.locate(p.root, "", []string{"telemetry", "attributes"})
	if !pl.found || pl.node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(pl.node.Content); i += 2 {
		node := pl.node.Content[i]
		if node.Kind != yaml.ScalarNode || node.Tag == "!!merge" {
			continue
		}
		key, path := node.Value, joinKey(pl.path, node.Value)
		hint := reserved(key)
		switch {
		case hint != "":
			p.errorf(node, path, "is reserved; %s", hint)
		case len(key) > maxAttribute:
			p.errorf(node, path, "must have at most %d characters", maxAttribute)
		case !attributeForm.MatchString(key):
			p.errorf(node, path, "must be lower-case words joined by dots, such as team.name")
		}
	}
}
