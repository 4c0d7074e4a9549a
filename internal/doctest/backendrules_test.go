package doctest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend/conformance"
	"github.com/spanloom/spanloom/internal/pagetest"
)

// TestBackendRulesAreThoseOfTheKit compares the list on the page with the rules that are
// checked.
func TestBackendRulesAreThoseOfTheKit(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("| rule | about | what it says |\n|---|---|---|\n")
	for _, r := range conformance.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Area, strings.ReplaceAll(r.Text, "|", `\|`))
	}
	pagetest.Hold(t, filepath.Join(root, "docs/backend-protocol.md"), "rules", b.String(), *update)
}
