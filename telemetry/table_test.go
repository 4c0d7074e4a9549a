package telemetry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/pagetest"
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
	var b strings.Builder
	b.WriteString("| attribute | type | on | |\n|---|---|---|---|\n")
	for _, d := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.key, strings.ToLower(d.typ.String()), d.on.names(), d.brief)
	}
	pagetest.Hold(t, "../docs/traces.md", "attributes", b.String(), *update)
}
