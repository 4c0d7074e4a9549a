package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/spanloom/spanloom/backend/backendtest"
)

// TestRules: the backend keeps the rules of backends.
func TestRules(t *testing.T) {
	backendtest.Run(t, New(),
		backendtest.WithConfig(fmt.Sprintf(`{"path":%q,"sync":false}`, filepath.Join(t.TempDir(), "runs.jsonl"))),
		backendtest.WithMistake(`{}`, "path"),
		backendtest.WithMistake(`{"path":"runs.jsonl"}`, "path"))
}
