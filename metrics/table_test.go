package metrics

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spanloom/spanloom/internal/pagetest"
)

var update = flag.Bool("update", false, "write the table of instruments into the documentation")

// table is every instrument of this package.
var table = []*instrument{
	&runDuration, &runActive, &nodeDuration, &nodeActive, &nodeQueue, &nodeRetries, &errorCount, &itemDuration, &itemActive,
	&cacheLookups, &cacheIO, &cacheSaved, &workerUsage, &workerLimit, &workerQueue, &callbackEvents, &callbackQueue, &callbackPanics, &backendCalls, &backendRestarts,
}

// TestDocs compares the table in the documentation with the one in the code.
func TestDocs(t *testing.T) {
	pagetest.Hold(t, "../docs/metrics.md", "instruments", rows(), *update)
}

// rows returns the table of instruments as Markdown.
func rows() string {
	var b strings.Builder
	b.WriteString("| name | instrument, unit | attributes | what |\n|---|---|---|---|\n")
	for _, i := range table {
		var keys []string
		for _, k := range i.keys {
			keys = append(keys, "`"+string(k)+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s, %s | %s | %s |\n", i.name, i.shape, i.unit, strings.Join(keys, ", "), i.description)
	}
	return b.String()
}

// TestQueries holds the names in the queries of the documentation to those that
// Prometheus gives to what is exported: its translation of OTLP metrics to its own
// (Prometheus and OpenMetrics Compatibility, in OpenTelemetry's specification).
func TestQueries(t *testing.T) {
	t.Parallel()
	under := strings.NewReplacer(".", "_")
	known := map[string]bool{"error_type": true, "le": true}
	unused := map[string]bool{}
	for _, i := range table {
		for _, key := range i.keys {
			known[under.Replace(string(key))] = true
		}
		name := under.Replace(i.name)
		switch i.unit {
		case "s":
			name += "_seconds"
		case "By":
			name += "_bytes"
		}
		unused[i.name] = true
		switch i.shape {
		case histogramShape:
			known[name+"_count"], known[name+"_sum"], known[name+"_bucket"] = true, true, true
		case upDownShape:
			known[name] = true
		default:
			known[name+"_total"] = true
		}
	}
	var queries [][]string
	for _, page := range []string{"../docs/metrics.md", "../docs/operations.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		if len(found) < 5 {
			t.Fatalf("%s has %d blocks of queries", page, len(found))
		}
		queries = append(queries, found...)
	}
	for _, q := range queries {
		for _, name := range regexp.MustCompile(`(?:spanloom|error)_\w+`).FindAllString(q[1], -1) {
			if !known[name] {
				t.Errorf("nothing has the name %s in\n%s", name, q[1])
			}
			for _, i := range table {
				if strings.HasPrefix(name, under.Replace(i.name)) {
					delete(unused, i.name)
				}
			}
		}
		for _, pair := range []string{"()", "{}", "[]"} {
			if strings.Count(q[1], pair[:1]) != strings.Count(q[1], pair[1:]) {
				t.Errorf("%s are not in pairs in\n%s", pair, q[1])
			}
		}
	}
	if len(unused) > 0 {
		t.Errorf("no query is about %v", unused)
	}
}

// TestAlertsSayHowLong holds that each alert says how long it must hold, before its
// query.
func TestAlertsSayHowLong(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## What to alert on\n")
	section, _, _ = strings.Cut(section, "\n## ")
	const begin, end = "<!-- queries -->\n```promql\n", "```\n"
	blocks := strings.Split(section, begin)
	for i, block := range blocks[:len(blocks)-1] {
		said := block[strings.LastIndex(block, end)+1:]
		if !regexp.MustCompile("\\(`for: [0-9]+[mh]`").MatchString(said) {
			t.Errorf("alert %d does not say how long it must hold:\n%s", i+1, said)
		}
	}
}

// TestTable holds the names to the rules of the project: its own namespace, words
// in snake case between dots, no unit in a name.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, i := range table {
		if seen[i.name] {
			t.Errorf("%s is there twice", i.name)
		}
		seen[i.name] = true
		if !strings.HasPrefix(i.name, "spanloom.") || strings.ToLower(i.name) != i.name {
			t.Errorf("%s is not one of ours", i.name)
		}
		for _, bad := range []string{"_total", ".total", "seconds", "bytes"} {
			if strings.Contains(i.name, bad) {
				t.Errorf("%s has %q in its name", i.name, bad)
			}
		}
		for _, key := range i.keys {
			if !strings.HasPrefix(string(key), "spanloom.") && key != keyErrorType {
				t.Errorf("%s: the attribute %s is not one of ours", i.name, key)
			}
			for _, never := range []string{"run.id", "path", "index"} {
				if strings.Contains(string(key), never) {
					t.Errorf("%s: %s has no bounded number of values", i.name, key)
				}
			}
		}
		if (i.bounds != nil) != (i.shape == histogramShape) || i.description == "" || i.unit == "" {
			t.Errorf("%s is not complete", i.name)
		}
		full := labels{nested: true, pipeline: "p", node: "n", result: 1, cache: cacheHit, component: "c", tier: "t", direction: "d", errorType: "e"}
		if slices.Contains(i.keys, keyBackend) || slices.Contains(i.keys, keyPool) || slices.Contains(i.keys, keyCallback) { // made elsewhere
			continue
		}
		set := full.set(i)
		for _, key := range i.keys {
			if v, ok := set.Value(key); !ok || v == (attribute.Value{}) {
				t.Errorf("%s: a full series has no %s", i.name, key)
			}
		}
	}
}
