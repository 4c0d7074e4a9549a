// Package pagetest holds a part of a page of the documentation to what code says. It
// stands between <!-- NAME --> and <!-- end of NAME -->.
package pagetest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Part returns a part of the file page.
func Part(t *testing.T, page, name string) string {
	t.Helper()
	_, part, _ := cut(t, page, name)
	return part
}

// Hold compares a part of the file page with what it is to be, or with update writes it.
func Hold(t *testing.T, page, name, want string, update bool) {
	t.Helper()
	before, is, after := cut(t, page, name)
	if update {
		if err := os.WriteFile(page, []byte(before+want+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("%s: %s are to be (-) and are (+); run this test with -update:\n%s", page, name, diff)
	}
}

// cut returns what is before a part, with its mark, the part, and what is after it.
func cut(t *testing.T, page, name string) (before, part, after string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(text), begin)
	part, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the %s", page, name)
	}
	return before + begin, part, end + after
}
