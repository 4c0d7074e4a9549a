package otlpconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/backend"
)

// config is what a manifest says. What is nil was not said.
type config struct {
	Endpoint    *string           `json:"endpoint"`
	Protocol    *string           `json:"protocol"`
	Headers     map[string]Secret `json:"headers"`
	Auth        auth              `json:"auth"`
	TLS         tlsFiles          `json:"tls"`
	Compression *string           `json:"compression"`
	Batch       json.RawMessage   `json:"batch"`
	Timeout     *string           `json:"timeout"`
}

// Profile is in what backends with this config differ.
type Profile struct {
	// Env looks a variable of the environment up. Defaults to none being set.
	Env func(name string) string
	// Ports says what is wrong with well-known ports that speak something else.
	Ports map[int]string
}

const (
	// maxTimeout bounds an export: what makes the spans gives it no more.
	maxTimeout     = 10 * time.Second
	defaultTimeout = maxTimeout
)

// resolver turns a config into settings and gathers the mistakes.
type resolver struct {
	Profile

	errs []error
}

// faultf notes a mistake at a key of the config. The values of the config must
// not be among args. source names the variable that the mistake is in, if any.
func (r *resolver) faultf(key, source, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if source != "" {
		msg = source + ": " + msg
	}
	r.errs = append(r.errs, &backend.ConfigError{Key: key, Message: msg})
}

// Resolve returns the settings that a config and the environment make, or all
// the mistakes in them: joined [*backend.ConfigError]. It reads the files that
// tls names, and connects to nothing.
func Resolve(c backend.Config, p Profile) (Settings, error) {
	var cfg config
	if err := c.Decode(&cfg); err != nil {
		return Settings{}, err
	}
	if p.Env == nil {
		p.Env = func(string) string { return "" }
	}
	r := &resolver{Profile: p}
	var s Settings
	raw := r.endpointText(cfg.Endpoint)
	s.Protocol = r.protocol(cfg.Protocol, raw)
	known := r.endpoint(raw, s.Protocol, &s.Endpoint)
	s.Headers = r.headers(cfg)
	s.TLS = r.tls(cfg.TLS, s.Endpoint, known)
	s.Gzip = r.gzip(cfg.Compression)
	s.Timeout = r.timeout(cfg.Timeout)
	s.Batch = r.batch(cfg.Batch)
	if known {
		r.plainText(cfg, raw, s)
	}
	if len(r.errs) > 0 {
		return Settings{}, errors.Join(r.errs...)
	}
	return s, nil
}

func (r *resolver) protocol(said *string, endpoint endpointText) Protocol {
	value, source := r.value(said, "PROTOCOL")
	switch {
	case value == "" && source == "" && said == nil:
		return endpoint.impliedProtocol()
	case value == string(GRPC) || value == string(HTTPProtobuf):
		return Protocol(value)
	case value == "http/json":
		r.faultf("protocol", source, "http/json is not supported; write grpc or http/protobuf")
	default:
		r.faultf("protocol", source, "write grpc or http/protobuf")
	}
	return "" // not known, and said already
}

func (r *resolver) gzip(said *string) bool {
	value, source := r.value(said, "COMPRESSION")
	switch {
	case value == "gzip":
		return true
	case value != "none" && (said != nil || source != ""):
		r.faultf("compression", source, "write gzip or none")
	}
	return false
}

func (r *resolver) timeout(said *string) time.Duration {
	if said != nil {
		d, err := time.ParseDuration(*said)
		if err != nil || d < time.Millisecond || d > maxTimeout {
			r.faultf("timeout", "", "write a duration from 1ms to %s, such as 5s", maxTimeout)
		}
		return d
	}
	value, source := r.env("TIMEOUT")
	if source == "" {
		return defaultTimeout
	}
	ms, err := parseMilliseconds(value)
	if err != nil {
		r.faultf("timeout", source, "write a number of milliseconds, such as 5000")
	}
	// It may be meant for other programs as well, so more is no mistake.
	return min(ms, maxTimeout)
}
