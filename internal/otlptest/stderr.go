package otlptest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Alone runs the test that calls it again in a process of its own, in an
// environment with the lines of env, and returns what that wrote to standard
// error. In that process it returns false, and the test does what is to be
// looked at.
func Alone(t *testing.T, env ...string) (stderr string, parent bool) {
	t.Helper()
	const marker = "SPANLOOM_TEST_ALONE"
	if os.Getenv(marker) == t.Name() {
		return "", false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(append(os.Environ(), marker+"="+t.Name()), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), errs.Bytes())
	}
	return errs.String(), true
}
