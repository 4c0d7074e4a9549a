package spanloom_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
)

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	if err := os.WriteFile(path, []byte(`version: "1"
telemetry:
  service: { name: x }
  backends:
    - plugin: otlp
      name: away
      config: { endpoint: "http://127.0.0.1:1", timeout: 100ms }
    - command: [/no/such]
      name: missing
`), 0o600); err != nil {
		t.Fatal(err)
	}
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = tel.Shutdown(ctx)
	}()
	p := engine.Define("p", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("n", func(context.Context, int) (int, error) { return 1, nil }), v)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var list []spanloom.Check
	// The last flush may have been one of nothing.
	for len(list) == 0 || !list[0].Health.Failing && list[0].Err == nil && ctx.Err() == nil {
		if _, err := p.Run(ctx, 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
			t.Fatal(err)
		}
		_ = tel.Flush(ctx)
		list = tel.Check(ctx)
	}
	if len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	away, missing := list[0], list[1]
	if away.Name != "away" || away.Err != nil || away.Description.Name != "otlp" || !away.Health.Failing || !strings.Contains(away.Health.Message, "refused") {
		t.Errorf("%s, %+v, %v", away.Description.Name, away.Health, away.Err)
	}
	if missing.Name != "missing" || missing.Err == nil || !strings.Contains(missing.Err.Error(), "there is no file /no/such") {
		t.Errorf("%+v", missing)
	}
}
