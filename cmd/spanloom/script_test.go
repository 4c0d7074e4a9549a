package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/console"
)

// TestMain makes the test binary the program itself, or a backend, when a script runs
// it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"spanloom":                 func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
		"spanloom-backend-console": func() { backend.Serve(console.New()) },
		"spanloom-backend-nameless": func() {
			b := console.New()
			b.Name = "Name less"
			backend.Serve(b)
		},
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		path, err := exec.LookPath("spanloom-backend-console")
		env.Setenv("BACKENDS", filepath.Dir(path))
		return err
	}})
}
