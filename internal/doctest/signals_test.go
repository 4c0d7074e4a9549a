package doctest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/internal/pagetest"
	"github.com/spanloom/spanloom/internal/semconvtest"
)

const registry = root + "/docs/semconv/"

// theirs are the names of OpenTelemetry that Spanloom uses, in the registry of
// semantic conventions 1.43.
var theirs = []string{
	"code.file.path", "code.function.name", "code.line.number", "cpu.mode", "error.type", "exception.message",
	"exception.stacktrace", "exception.type", "go.memory.type", "service.instance.id", "service.name", "service.namespace", "service.version",
	"telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version",
}

// TestResourceIsInTheRegistry holds the registry to the resource of a service that
// has everything. It is not parallel: others read what it may write.
func TestResourceIsInTheRegistry(t *testing.T) {
	g := semconvtest.Group{
		ID: "entity.spanloom.service", Type: "entity", Name: "service", Stability: semconvtest.Development,
		Brief: "The program, on everything that it sends, beside what telemetry.attributes says.",
	}
	r := otelresource.Of(t.Context(), "n", "v", "s", map[string]string{
		otelresource.InstanceKey: "i", "spanloom.namespace": "s", "spanloom.product.name": "p", "spanloom.product.version": "v", "spanloom.mode": "dev",
	})
	for _, kv := range r.Attributes() {
		g.Attributes = append(g.Attributes, semconvtest.Refer(string(kv.Key)))
	}
	semconvtest.Hold(t, registry+"resource.yaml", *update, g)
}

// TestRegistryIsWhole has each attribute defined once, and no reference to one
// that is not.
func TestRegistryIsWhole(t *testing.T) {
	t.Parallel()
	defined, ids, used := map[string]bool{}, map[string]bool{}, map[string]bool{}
	groups := all(t)
	for _, g := range groups {
		if ids[g.ID] || g.ID == "" || g.Brief == "" || g.Stability == "" {
			t.Errorf("the group %q is not complete, or there twice", g.ID)
		}
		ids[g.ID] = true
		for _, a := range g.Attributes {
			if a.ID == "" {
				continue
			}
			if defined[a.ID] || slices.Contains(theirs, a.ID) {
				t.Errorf("%s is defined twice", a.ID)
			}
			if a.Type == "" || a.Brief == "" {
				t.Errorf("%s is not complete", a.ID)
			}
			defined[a.ID] = true
		}
	}
	for _, g := range groups {
		for _, a := range g.Attributes {
			used[a.Ref] = true
			if a.Ref != "" && !defined[a.Ref] && !slices.Contains(theirs, a.Ref) {
				t.Errorf("%s refers to %s, which nobody defines", g.ID, a.Ref)
			}
		}
	}
	for id := range defined {
		if !used[id] {
			t.Errorf("%s is on nothing", id)
		}
	}
}

// TestSignals holds the page of names to the registry.
func TestSignals(t *testing.T) {
	for name, table := range map[string]func([]semconvtest.Group) string{
		"spans": spanTable, "events": eventTable, "metrics": metricTable, "records": recordTable,
		"attributes": attributeTable, "resource": resourceTable,
	} {
		pagetest.Hold(t, filepath.Join(root, "docs/signals.md"), name, table(all(t)), *update)
	}
}

// all returns the groups of the registry.
func all(t *testing.T) []semconvtest.Group {
	t.Helper()
	files, err := filepath.Glob(registry + "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var list []semconvtest.Group
	for _, f := range files {
		list = append(list, semconvtest.Read(t, f)...)
	}
	return list
}

func spanTable(groups []semconvtest.Group) string {
	var b strings.Builder
	b.WriteString("| span | name | kind | events | |\n|---|---|---|---|---|\n")
	for _, g := range of(groups, "span.") {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", short(g), g.Annotations.SpanName, g.SpanKind, quoted(g.Events), g.Brief)
	}
	return b.String()
}

func eventTable(groups []semconvtest.Group) string {
	var b strings.Builder
	b.WriteString("| event | attributes | |\n|---|---|---|\n")
	for _, g := range of(groups, "event.") {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", g.Name, quoted(refs(g)), g.Brief)
	}
	return b.String()
}

func metricTable(groups []semconvtest.Group) string {
	var b strings.Builder
	b.WriteString("| metric | instrument, unit | attributes | |\n|---|---|---|---|\n")
	for _, g := range of(groups, "metric.") {
		fmt.Fprintf(&b, "| `%s` | %s, %s | %s | %s |\n", g.MetricName, g.Instrument, g.Unit, quoted(refs(g)), g.Brief)
	}
	return b.String()
}

func recordTable(groups []semconvtest.Group) string {
	list := of(groups, "log.")
	place := refs(list[slices.IndexFunc(list, func(g semconvtest.Group) bool { return g.Annotations.Message == "" })])
	var b strings.Builder
	fmt.Fprintf(&b, "In every record of a run, where they are known: %s. Beside them:\n\n", quoted(place))
	b.WriteString("| message | level | fields |\n|---|---|---|\n")
	for _, g := range list {
		if g.Annotations.Message != "" {
			own := slices.DeleteFunc(refs(g), func(key string) bool { return slices.Contains(place, key) })
			fmt.Fprintf(&b, "| %s | %s | %s |\n", g.Annotations.Message, strings.Join(g.Annotations.Severity, ", "), quoted(own))
		}
	}
	return b.String()
}

func attributeTable(groups []semconvtest.Group) string {
	on := map[string][]string{}
	for _, g := range groups {
		kind, _, _ := strings.Cut(g.ID, ".")
		for _, key := range refs(g) {
			switch label := kind + "s"; {
			case kind == "entity":
				on[key] = append(on[key], "resource")
			case kind == "span" || kind == "event":
				on[key] = append(on[key], strings.ReplaceAll(short(g), "skip", "skip event"))
			case !slices.Contains(on[key], label):
				on[key] = append(on[key], label)
			}
		}
	}
	spans := 0
	for range of(groups, "span.") {
		spans++
	}
	var rows []string
	for _, g := range groups {
		for _, a := range g.Attributes {
			if a.ID == "" {
				continue
			}
			places := on[a.ID]
			isSpan := func(p string) bool { return p != "metrics" && p != "logs" && p != "resource" && p != "skip event" }
			if n := len(slices.DeleteFunc(slices.Clone(places), func(p string) bool { return !isSpan(p) })); n == spans {
				places = append([]string{"all spans"}, slices.DeleteFunc(places, isSpan)...)
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |\n", a.ID, a.Type, strings.Join(places, ", "), a.Brief))
		}
	}
	slices.Sort(rows)
	return "| name | type | on | |\n|---|---|---|---|\n" + strings.Join(rows, "")
}

func resourceTable(groups []semconvtest.Group) string {
	var b strings.Builder
	for _, g := range of(groups, "entity.") {
		fmt.Fprintf(&b, "%s\n", quoted(refs(g)))
	}
	return b.String()
}

// of returns the groups whose id begins so.
func of(groups []semconvtest.Group, prefix string) []semconvtest.Group {
	return slices.DeleteFunc(slices.Clone(groups), func(g semconvtest.Group) bool { return !strings.HasPrefix(g.ID, prefix) })
}

func short(g semconvtest.Group) string {
	return strings.ReplaceAll(g.ID[strings.LastIndexByte(g.ID, '.')+1:], "_", " ")
}

func refs(g semconvtest.Group) []string {
	var list []string
	for _, a := range g.Attributes {
		list = append(list, a.Ref)
	}
	return list
}

func quoted(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "`" + strings.Join(list, "`, `") + "`"
}
