package backendtest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/backend/backendtest"
	"github.com/spanloom/spanloom/callbacks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type instance struct{ callbacks.Base }

func (*instance) Flush(context.Context) error { return nil }
func (*instance) Close(context.Context) error { return nil }

func silent(name string) backend.Backend {
	return backend.Backend{Name: name, Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
		var none struct{}
		return &instance{}, c.Decode(&none)
	}}
}

func TestKept(t *testing.T) {
	t.Parallel()
	t.Run("in a subtest", func(t *testing.T) {
		t.Parallel()
		backendtest.Run(t, silent("silent"))
	})
}

// brokenVariable says that the test below is to fail.
const brokenVariable = "SPANLOOM_TEST_BROKEN"

// TestBroken fails, in a process of its own, for the rule that is broken and no other.
func TestBroken(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenVariable) != "" {
		backendtest.Run(t, silent("Not silent"))
		return
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-test.run=^TestBroken$", "-test.v")
	cmd.Env = append(os.Environ(), brokenVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("a broken backend passes")
	}
	var failed []string
	for _, m := range regexp.MustCompile(`--- FAIL: TestBroken/(\S+)`).FindAllStringSubmatch(string(out), -1) {
		failed = append(failed, m[1])
	}
	if !slices.Equal(failed, []string{"describe-name"}) {
		t.Errorf("failed: %v\n%s", failed, out)
	}
	if !regexp.MustCompile(`lower-case letters, digits, - and _\.\n +seen: the name is "Not silent"`).Match(out) {
		t.Errorf("the output does not say what was seen:\n%s", out)
	}
}
