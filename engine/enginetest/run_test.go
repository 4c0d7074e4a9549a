package enginetest

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/engine"
)

var update = flag.Bool("update", false, "write expected.txt from what the local runner does; read it before you commit it")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func local(concurrency int) Target {
	return func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
		cfg.Concurrency = concurrency
		return c.Run(ctx, cfg)
	}
}

func sequential(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
	cfg.Runner = engine.Sequential()
	return c.Run(ctx, cfg)
}

func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("without -update")
	}
	var b strings.Builder
	for _, c := range Cases() {
		text, err := c.perform(t.Context(), local(64))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		b.WriteString("-- " + c.Name + " --\n" + text + "\n")
	}
	if err := os.WriteFile("expected.txt", []byte(strings.TrimSuffix(b.String(), "\n")), 0o600); err != nil {
		t.Error(err)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	Run(t, local(0))
}

func TestLocalWithTwo(t *testing.T) {
	t.Parallel()
	Run(t, local(2))
}

func TestLocalWithOne(t *testing.T) {
	t.Parallel()
	Run(t, local(1), Parallel)
}

func TestSequential(t *testing.T) {
	t.Parallel()
	Run(t, sequential, Parallel)
}
