package pagetest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spanloom/spanloom/internal/pagetest"
)

// TestHold: what is written is what holds, and nothing beside it changes.
func TestHold(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	text := func(keys string) string {
		return "a\n<!-- rules -->\nr\n<!-- end of rules -->\nb\n<!-- keys -->\n" + keys + "<!-- end of keys -->\nc\n"
	}
	if err := os.WriteFile(page, []byte(text("old\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	pagetest.Hold(t, page, "keys", "old\n", false)
	pagetest.Hold(t, page, "keys", "x\ny\n", true)
	if data, err := os.ReadFile(page); err != nil || string(data) != text("x\ny\n") {
		t.Errorf("%v, %q", err, data)
	}
	pagetest.Hold(t, page, "keys", "x\ny\n", false)
	if rules, keys := pagetest.Part(t, page, "rules"), pagetest.Part(t, page, "keys"); rules != "r\n" || keys != "x\ny\n" {
		t.Errorf("%q, %q", rules, keys)
	}
}
