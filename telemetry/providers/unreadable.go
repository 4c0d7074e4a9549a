package providers

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// unreadable returns an error when the exporter of metrics would print a variable
// that may hold a key: it reads them though a connection is given, and tells
// OpenTelemetry's global logger what it cannot read. The error has no values.
func unreadable(getenv func(string) string) error {
	for _, prefix := range [...]string{"OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_METRICS_"} {
		if _, err := url.Parse(strings.TrimSpace(getenv(prefix + "ENDPOINT"))); err != nil {
			return fmt.Errorf("%sENDPOINT: it is not a URL; write it like https://collector.example.com:4317", prefix)
		}
		if err := unreadableHeaders(getenv(prefix + "HEADERS")); err != nil {
			return fmt.Errorf("%sHEADERS: %w", prefix, err)
		}
	}
	return nil
}

func unreadableHeaders(list string) error {
	i := 0
	for entry := range strings.SplitSeq(list, ",") {
		i++
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		switch _, err := url.PathUnescape(value); {
		case !ok:
			return fmt.Errorf("entry %d has no =; write name=value,name=value", i)
		case name == "" || strings.ContainsFunc(name, notToken):
			return fmt.Errorf("entry %d has a name with other characters than those of a header", i)
		case err != nil:
			return fmt.Errorf("the value of entry %d has a %% that is no escape; write %%25", i)
		}
	}
	return nil
}

// notToken tells what the name of a header cannot have (RFC 9110, section 5.6.2).
func notToken(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}

// withoutMetrics is an exporter in place of one that cannot be made: it fails, so
// that each collection is counted, and says why.
type withoutMetrics struct{ err error }

var _ sdkmetric.Exporter = withoutMetrics{}

func (withoutMetrics) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (withoutMetrics) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (e withoutMetrics) Export(context.Context, *metricdata.ResourceMetrics) error { return e.err }
func (withoutMetrics) ForceFlush(context.Context) error                            { return nil }
func (withoutMetrics) Shutdown(context.Context) error                              { return nil }
