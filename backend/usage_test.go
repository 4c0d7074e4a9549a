package backend

import (
	"strings"
	"testing"
)

// TestUsage: what somebody reads who ran the binary by hand is what the pages say.
func TestUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	usage(&out, Backend{Name: "mine"})
	for _, want := range []string{"        - plugin: mine\n", " .spanloom/backends/spanloom-backend-mine\n", "    spanloom backend lock mine\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
}
