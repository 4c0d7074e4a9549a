package otlpconfig

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// prefix of the variables of the OTLP exporters.
const prefix = "OTEL_EXPORTER_OTLP_"

// env returns what the environment says under a name, and which variable said
// it; the variable is "" when none did.
func (r *resolver) env(name string) (value, source string) {
	for _, source := range [...]string{prefix + "TRACES_" + name, prefix + name} {
		if v := strings.TrimSpace(r.Env(source)); v != "" {
			return v, source
		}
	}
	return "", ""
}

// value returns what the config says, or else the environment.
func (r *resolver) value(said *string, name string) (value, source string) {
	if said != nil {
		return *said, ""
	}
	return r.env(name)
}

var errNumber = errors.New("not a positive number")

func parseMilliseconds(text string) (time.Duration, error) {
	n, err := strconv.ParseUint(text, 10, 31) // some 24 days
	if err != nil || n == 0 {
		return 0, errNumber
	}
	return time.Duration(n) * time.Millisecond, nil
}

// envHeaders returns the headers of the environment: pairs like those of W3C
// baggage, name=value with escapes in values, between commas.
func (r *resolver) envHeaders() (list map[string]Secret, source string) {
	text, source := r.env("HEADERS")
	if source == "" {
		return nil, ""
	}
	list = map[string]Secret{}
	i := 0
	for pair := range strings.SplitSeq(text, ",") {
		i++
		if strings.TrimSpace(pair) == "" {
			continue // a comma too many hurts nobody
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		switch {
		case !ok:
			r.faultf("headers", source, "entry %d has no =; write name=value,name=value", i)
		case err != nil:
			r.faultf("headers", source, "the value of entry %d has a %% that is no escape; write %%25", i)
		default:
			list[strings.TrimSpace(name)] = NewSecret(value)
		}
	}
	return list, source
}

// insecure reports whether the environment asks for plain text where an endpoint
// of the environment does not say.
func (r *resolver) insecure() bool {
	value, source := r.env("INSECURE")
	if source != "" && !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
		r.faultf("endpoint", source, "write true or false")
	}
	return strings.EqualFold(value, "true")
}
