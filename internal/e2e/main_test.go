//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/spanloom/spanloom"
)

// programs are what this binary is, besides a test, when a test starts it again.
var programs = map[string]func(){
	"service":     service,
	"interrupted": interrupted,
}

const programVariable = "SPANLOOM_E2E_PROGRAM"

func TestMain(m *testing.M) {
	if program := programs[os.Getenv(programVariable)]; program != nil {
		program()
		return
	}
	goleak.VerifyTestMain(m)
}

// manifest writes one whose telemetry section is text, and returns its path.
func manifest(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	if err := os.WriteFile(path, []byte("version: \"1\"\ntelemetry:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens telemetry with a manifest whose telemetry section is text. What it
// writes to standard error goes to a file: the lines of a test are about the test.
func open(t *testing.T, text string) *spanloom.Telemetry {
	t.Helper()
	lines, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lines.Close() })
	stderr := os.Stderr
	os.Stderr = lines
	defer func() { os.Stderr = stderr }()
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifest(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	return tel
}
