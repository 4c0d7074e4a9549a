package manifest

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ofService are the resource attributes that have keys of their own.
var ofService = map[string][]string{
	"service.name":      {"telemetry", "service", "name"},
	"service.version":   {"telemetry", "service", "version"},
	"service.namespace": {"telemetry", "service", "namespace"},
}

// readResource reads OTEL_SERVICE_NAME, which wins, and OTEL_RESOURCE_ATTRIBUTES.
// https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
func (p *parser) readResource(env *environment) {
	put := func(location []string, value, by string) {
		env.under[joinTokens(location)] = said{location, value, by}
	}
	if list, ok := parseResource(p.variable(envResource)); !ok {
		// The specification lets one mistake discard the whole.
		p.warnEnv(envResource, "not used; write it like team=payments,region=eu, with other characters as %XX")
	} else {
		for _, kv := range list {
			key, value := kv[0], kv[1]
			if location, ok := ofService[key]; ok {
				put(location, value, envResource)
			} else if hint := reserved(key); hint != "" {
				p.warnEnv(envResource, clip(key)+" is not used; "+hint)
			} else {
				put([]string{"telemetry", "attributes", key}, value, envResource)
			}
		}
	}
	if name := p.variable(envService); name != "" {
		put(ofService["service.name"], name, envService)
	}
}

// parseResource reads key=value,key=value with percent-encoded parts.
func parseResource(text string) (list [][2]string, ok bool) {
	if strings.TrimSpace(text) == "" {
		return nil, true
	}
	for member := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(member, "=")
		key, keyErr := url.PathUnescape(strings.TrimSpace(key))
		value, valueErr := url.PathUnescape(strings.TrimSpace(value))
		if !found || key == "" || keyErr != nil || valueErr != nil || !utf8.ValidString(key+value) || strings.ContainsRune(key+value, 0) {
			return nil, false
		}
		list = append(list, [2]string{key, value})
	}
	return list, true
}

// readSampler reads those samplers that do what Spanloom does: follow the
// decision of a parent, and else a ratio.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
func (p *parser) readSampler(env *environment) {
	var ratio float64
	switch name := strings.ToLower(p.variable(envSampler)); name {
	case "":
		return
	case "parentbased_always_on":
		ratio = 1
	case "parentbased_always_off":
		ratio = 0
	case "parentbased_traceidratio":
		ratio = p.samplerRatio()
	case "always_on", "always_off", "traceidratio":
		p.warnEnv(envSampler, "not used: "+name+" would not follow the decision that a trace brings; write parentbased_"+name)
		return
	default:
		p.warnEnv(envSampler, "not used; known are parentbased_always_on, parentbased_always_off and parentbased_traceidratio")
		return
	}
	location := []string{"telemetry", "sampling", "ratio"}
	env.under[joinTokens(location)] = said{location, ratio, envSampler}
}

// samplerRatio is that of OTEL_TRACES_SAMPLER_ARG. A wrong one is as one that is
// not set, and that is 1.
func (p *parser) samplerRatio() float64 {
	text := p.variable(envSamplerArg)
	if text == "" {
		return 1
	}
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) { // NaN too
		p.warnEnv(envSamplerArg, "not used; it is a number from 0 to 1")
		return 1
	}
	return ratio
}
