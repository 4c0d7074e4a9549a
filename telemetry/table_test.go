package telemetry

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names says on what an attribute stands.
func (on spans) names() string {
	if on&onEvery == onEvery {
		return "all"
	}
	var list []string
	for _, one := range [...]struct {
		on   spans
		name string
	}{
		{onRun, "run"},
		{onNested, "nested pipeline"},
		{onNode, "node"},
		{onCachedNode, "cached node"},
		{onMap, "map"},
		{onItem, "item"},
		{onCachedItem, "cached item"},
		{onAttempt, "attempt"},
		{onRunning, "running"},
		{onJob, "job"},
		{onEvent, "skip event"},
		{onMetric, "metric event"},
	} {
		if on&one.on != 0 {
			list = append(list, one.name)
		}
	}
	return strings.Join(list, ", ")
}

// TestDocumentedTable holds the page on traces and the table of attributes together.
func TestDocumentedTable(t *testing.T) {
	const page = "../docs/traces.md"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), "<!-- attributes -->\n")
	got, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatal("the page has no place for the table")
	}
	var b strings.Builder
	b.WriteString("| attribute | type | on | |\n|---|---|---|---|\n")
	for _, d := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.key, strings.ToLower(d.typ.String()), d.on.names(), d.brief)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+"<!-- attributes -->\n"+b.String()+"<!-- end -->"+after), 0o600); err != nil {
			t.Fatal(err)
		}
		got = b.String()
	}
	if diff := cmp.Diff(b.String(), got); diff != "" {
		t.Errorf("the page has another table; run this test with -update (-want +got)\n%s", diff)
	}
}
