package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/backend/backendtest"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/pluginhost"
)

var daily = engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
	return engine.Add(g, engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil }), n)
})

// TestBackend runs a pipeline whose telemetry goes to the backend, by way of a host.
func TestBackend(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	host := pluginhost.Start(pluginhost.Spec{
		Name:   "main",
		Launch: pluginhost.InProcess(New()),
		Config: []byte(`{}`),
		Output: &out,
	})
	if _, err := daily.Run(t.Context(), 21, engine.Config{Callbacks: []callbacks.PipelineCallback{host}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := host.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if line, lost := host.Lost(); lost {
		t.Error(line)
	}

	if got, want := out.String(), `"Name":"node double"`; !strings.Contains(got, want) {
		t.Errorf("wrote %q, want %s in it", got, want)
	}
}

// TestRules checks that the backend keeps the rules of backends.
func TestRules(t *testing.T) { //nolint:paralleltest // its processes run this test alone
	backendtest.Run(t, New(),
		backendtest.WithConfig(`{}`),
		backendtest.WithMistake(`{ "pretty": 1 }`, "pretty"))
}
