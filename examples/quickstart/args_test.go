package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestArguments: help is no mistake, and what it does not take is one, and runs nothing.
func TestArguments(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "quickstart.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"--help", 0, usage, ""},
		{"-h", 0, usage, ""},
		{"--hlep", 2, "", "quickstart: flag provided but not defined: -hlep\n\n" + usage},
		{"a b", 2, "", "quickstart: 2 arguments; it takes one directory\n\n" + usage},
	} {
		cmd := exec.CommandContext(t.Context(), binary, strings.Fields(tt.args)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != tt.code || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
			t.Errorf("%s: code %d\n%s\n%s", tt.args, code, &stdout, &stderr)
		}
	}
}
