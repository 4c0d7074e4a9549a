package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/plugins/console"
)

// TestMain makes the test binary the program itself, or a backend, when a script runs
// it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"spanloom":                 func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
		"spanloom-backend-mine":    mine,
		"program":                  program,
		"spanloom-backend-console": func() { backend.Serve(console.New()) },
		"spanloom-backend-strict":  func() { backend.Serve(strict()) },
		"spanloom-backend-nameless": func() {
			b := console.New()
			b.Name = "Name less"
			backend.Serve(b)
		},
	})
}

// program is one whose telemetry can be reloaded. It ends when the file "end" is there.
func program() {
	tel, err := spanloom.Open(context.Background(), spanloom.WithReload())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = os.WriteFile("pid.new", []byte(strconv.Itoa(os.Getpid())), 0o600)
	_ = os.Rename("pid.new", "pid")
	for range 3000 {
		if _, err := os.Stat("end"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = tel.Shutdown(context.Background())
}

func TestScripts(t *testing.T) {
	t.Parallel()
	collector, traces := otlptest.Start(t, nil), otlptest.StartTraces(t)
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		env.Setenv("COLLECTOR", strings.TrimPrefix(collector.Endpoint, "http://"))
		env.Setenv("TRACES_ONLY", traces.Endpoint)
		env.Setenv("PLATFORM", runtime.GOOS+"/"+runtime.GOARCH)
		path, err := exec.LookPath("spanloom-backend-console")
		env.Setenv("BACKENDS", filepath.Dir(path))
		return err
	}})
}

// mine is a backend that leaves a file where it runs.
func mine() {
	if dir := os.Getenv("WORK"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, "ran"), nil, 0o600)
	}
	backend.Serve(backend.Backend{
		Name: "mine", Version: "1.2.3",
		Schema: []byte(`{"type": "object", "additionalProperties": false, "properties": {"prefix": {"type": "string"}}}`),
		Open:   func(context.Context, backend.Config) (backend.Instance, error) { return nothing{}, nil },
	})
}

// strict is a backend that does not work with an empty config.
func strict() backend.Backend {
	type config struct {
		Path string `json:"path"`
	}
	return backend.New("strict", config{}, func(_ context.Context, _ backend.Config, c config) (backend.Instance, error) {
		if c.Path == "" {
			return nil, &backend.ConfigError{Key: "path", Message: "write a path"}
		}
		return nothing{}, nil
	})
}

// nothing takes all events and does nothing with them.
type nothing struct{ callbacks.Base }

func (nothing) Flush(context.Context) error { return nil }
func (nothing) Close(context.Context) error { return nil }
