package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/internal/metricname"
)

// maxUnit is the limit of OpenTelemetry's specification (Metrics API, instrument
// unit).
const maxUnit = 63

// check says what is wrong with what an instrument is made of.
func check(kind, name, unit string, labels []string) error {
	if err := metricname.Check(name); err != nil {
		return wrong(kind, metricname.Short(name), "%w", err)
	}
	if len(unit) > maxUnit {
		return wrong(kind, name, "the unit has %d characters, and %d are the most", len(unit), maxUnit)
	}
	for _, r := range unit {
		if r < 0x20 || r > 0x7e {
			return wrong(kind, name, `%q is not allowed in a unit: it is one of UCUM, such as "By", or a word in braces, such as "{row}"`, r)
		}
	}
	for i, label := range labels {
		switch {
		case label == "":
			return wrong(kind, name, "label %d is empty", i+1)
		case len(label) > maxValue:
			return wrong(kind, name, "label %d has %d bytes, and %d are the most", i+1, len(label), maxValue)
		case value(label) != label:
			return wrong(kind, name, "label %q is not valid UTF-8", label)
		case strings.HasPrefix(label, "otel."):
			return wrong(kind, name, `label %q: keys that begin with "otel." are OpenTelemetry's own`, label)
		case slices.Contains(labels[:i], label):
			return wrong(kind, name, "label %q is there twice", label)
		}
	}
	return nil
}

// checkBounds says what is wrong with the bounds of a histogram.
func checkBounds(name string, bounds []float64) error {
	for i, b := range bounds {
		switch {
		case !finite(b):
			return wrong("histogram", name, "bound %d is %v; the bucket above the last bound is there by itself", i+1, b)
		case i > 0 && b <= bounds[i-1]:
			return wrong("histogram", name, "bound %d is %v, which is not above %v before it", i+1, b, bounds[i-1])
		}
	}
	return nil
}

func wrong(kind, name, format string, args ...any) error {
	return fmt.Errorf("metrics: %s %q: %w", kind, name, fmt.Errorf(format, args...))
}
