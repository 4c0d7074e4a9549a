package console

import (
	"testing"

	"github.com/spanloom/spanloom/backend/backendtest"
)

func TestRules(t *testing.T) {
	backendtest.Run(t, New(), backendtest.WithMistake(`{"color":"blue"}`, "color"))
}
