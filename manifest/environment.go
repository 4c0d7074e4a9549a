package manifest

import (
	"slices"
	"strings"
)

// The variables that say something where a manifest may say it too. What they
// mean and which wins is said here only; see the package's documentation.
const (
	envLogLevel  = "SPANLOOM_LOG_LEVEL"
	envLogFormat = "SPANLOOM_LOG_FORMAT"
	envConsole   = "SPANLOOM_TELEMETRY_CONSOLE"

	envDisabled   = "OTEL_SDK_DISABLED"
	envService    = "OTEL_SERVICE_NAME"
	envResource   = "OTEL_RESOURCE_ATTRIBUTES"
	envSampler    = "OTEL_TRACES_SAMPLER"
	envSamplerArg = "OTEL_TRACES_SAMPLER_ARG"
)

// endpoints are the variables that make otlp a backend without a manifest.
var endpoints = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// said is a value that a variable or a flag gives for a place of the document.
type said struct {
	location []string
	value    any
	by       string
}

// environment is what the environment says, by path.
type environment struct {
	over  map[string]said // whatever the manifest says
	under map[string]said // when the manifest does not say it

	console  bool
	disabled bool
	endpoint string // the variable that names one, or ""
}

// readEnvironment reads the variables. Those of Spanloom are refused when they
// are wrong; those of OpenTelemetry are left out with a warning, as its
// specification asks. A variable that is empty is one that is not set.
func (p *parser) readEnvironment() *environment {
	env := &environment{over: map[string]said{}, under: map[string]said{}}
	word := func(by, value string, location ...string) {
		if value == "" {
			return
		}
		words := ownSchema().words(location)
		lower := strings.ToLower(value)
		if !slices.Contains(words, lower) {
			p.errs = append(p.errs, &Error{File: by, Message: "must be one of " + strings.Join(words, ", ") + didYouMean(value, words)})
			return
		}
		env.over[joinTokens(location)] = said{location, lower, by}
	}
	if p.opts.Mode != "" {
		word(ModeFlag, p.opts.Mode, modePath...)
	} else {
		word(ModeVar, p.variable(ModeVar), modePath...)
	}
	word(envLogLevel, p.variable(envLogLevel), "telemetry", "logs", "level")
	word(envLogFormat, p.variable(envLogFormat), "telemetry", "logs", "format")

	var ok bool
	if env.console, ok = truth(p.variable(envConsole)); !ok {
		p.errs = append(p.errs, &Error{File: envConsole, Message: "must be true or false"})
	}
	if env.disabled, ok = truth(p.variable(envDisabled)); !ok {
		p.warnEnv(envDisabled, "neither true nor false; taken for false")
	}
	for _, name := range endpoints {
		if env.endpoint == "" && p.variable(name) != "" {
			env.endpoint = name
		}
	}
	p.readResource(env)
	p.readSampler(env)
	return env
}

func (p *parser) variable(name string) string {
	if value, ok := p.opts.lookup(name); ok {
		return value
	}
	return ""
}

func (p *parser) warnEnv(variable, message string) {
	p.warnings = append(p.warnings, &Error{File: variable, Message: message})
}

// truth is false, with ok, for an empty text.
func truth(text string) (yes, ok bool) {
	yes = strings.EqualFold(text, "true")
	return yes, yes || text == "" || strings.EqualFold(text, "false")
}
