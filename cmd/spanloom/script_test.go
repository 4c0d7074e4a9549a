package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spanloom/spanloom"
)

// TestMain makes the test binary the program itself when a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"spanloom": func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) },
		"program":  program,
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
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}
