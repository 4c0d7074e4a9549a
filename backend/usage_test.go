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

func TestByHand(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{"": 2, "-h": 0, "-help": 0, "--help": 0, "--hlep": 2, "--help x": 2} {
		var stdout, stderr strings.Builder
		code := byHand(Backend{Name: "mine"}, strings.Fields(args), &stdout, &stderr)
		if code != want || (stdout.Len() > 0) != (want == 0) || (stderr.Len() > 0) == (want == 0) {
			t.Errorf("%q: status %d, %d bytes out and %d of errors", args, code, stdout.Len(), stderr.Len())
		}
	}
}
