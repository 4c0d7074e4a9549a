package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend/conformance"
)

// TestBackendRulesAreThoseOfTheKit compares the list on the page with the rules that are
// checked.
func TestBackendRulesAreThoseOfTheKit(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- rules -->\n", "<!-- end of rules -->\n"
	file := filepath.Join(root, "docs/backend-protocol.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	is, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the page has no place for the rules")
	}
	var b strings.Builder
	b.WriteString("| rule | about | what it says |\n|---|---|---|\n")
	for _, r := range conformance.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Area, strings.ReplaceAll(r.Text, "|", `\|`))
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), is); diff != "" {
		t.Errorf("the kit says (-), the page says (+); go test ./internal/doctest -update writes it:\n%s", diff)
	}
}
