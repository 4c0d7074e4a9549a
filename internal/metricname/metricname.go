// Package metricname says which names a program may give to its metrics.
package metricname

import (
	"errors"
	"fmt"
	"strings"
)

// Max is the most bytes of a name.
const Max = 255

// reserved is the first word of the names of the engine.
const reserved = "spanloom"

// Check says why name cannot be that of a metric, or nil: the rules are those of
// OpenTelemetry's specification (Metrics API, instrument name syntax), and names
// of the engine are its own: also those that Prometheus, which knows no other sign
// than "_", could not tell from them.
func Check(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > Max:
		return fmt.Errorf("the name has %d characters, and %d are the most", len(name), Max)
	case !letter(name[0]):
		return fmt.Errorf("the name must begin with a letter, not with %q", name[0])
	case isReserved(name):
		return fmt.Errorf("names whose first word is %q are those of the engine; choose another", reserved)
	}
	for _, r := range name {
		if r > 0x7f || !letter(byte(r)) && (r < '0' || r > '9') && !strings.ContainsRune("_.-/", r) {
			return fmt.Errorf(`%q is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`, r)
		}
	}
	return nil
}

func isReserved(name string) bool {
	n := len(reserved)
	return len(name) > n && strings.EqualFold(name[:n], reserved) && strings.IndexByte("._-/", name[n]) >= 0
}

// Short returns a name as a message may have it.
func Short(name string) string {
	const most = 32
	if len(name) <= Max {
		return name
	}
	return name[:most] + "..."
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
