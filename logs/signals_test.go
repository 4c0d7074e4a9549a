package logs

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/semconvtest"
)

// standing are the fields of every record, whatever it says.
var standing = []string{"time", "level", "msg"}

// briefs are of the fields that spans do not have.
var briefs = map[string]string{
	keyTraceID:      "Id of the trace, 32 lower-case hexadecimal digits.",
	keySpanID:       "Id of the span, 16 lower-case hexadecimal digits.",
	keyTraceFlags:   "Flags of the trace, 2 hexadecimal digits; 01 is sampled.",
	keyDuration:     "Time from start to end, in seconds.",
	keyRunnerBefore: "What executes the pipeline around.",
	keyCacheReason:  "Why the look-up gave what it gave.",
}

// TestRegistry holds the registry of names to what is logged when everything
// happens that can.
func TestRegistry(t *testing.T) {
	var b buffer
	everything(Lifecycle(logged(t, &b, Config{Level: "debug"})))
	type logRecord struct{ levels, fields map[string]bool }
	found, used := map[string]logRecord{}, map[string]bool{}
	for _, r := range b.records(t) {
		msg := r["msg"].(string)
		if _, ok := found[msg]; !ok {
			found[msg] = logRecord{map[string]bool{}, map[string]bool{}}
		}
		found[msg].levels[r["level"].(string)] = true
		for field := range r {
			if !slices.Contains(standing, field) {
				found[msg].fields[field], used[field] = true, true
			}
		}
	}
	messages, keys := inSource(t)
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, messages) {
		t.Errorf("the messages in the source are\n%q, logged were\n%q", messages, got)
	}
	for _, key := range keys {
		if !used[key] {
			t.Errorf("no record has %s", key)
		}
	}

	defined := semconvtest.Registry("logs", "Fields that only log records have.")
	for _, key := range slices.Sorted(maps.Keys(briefs)) {
		typ := "string"
		if key == keyDuration {
			typ = "double"
		}
		defined.Attributes = append(defined.Attributes, semconvtest.Define(key, typ, briefs[key]))
	}
	own := semconvtest.Group{
		ID: "log.spanloom.of_program", Type: "attribute_group", Stability: semconvtest.Development,
		Brief: "Record that code makes in a run, beside what it says itself.",
	}
	for _, key := range keys {
		if ofProgram(t)[key] {
			own.Attributes = append(own.Attributes, semconvtest.Refer(key))
		}
	}
	groups := []semconvtest.Group{defined, own}
	for _, msg := range messages {
		g := semconvtest.Group{
			ID: "log.spanloom." + strings.NewReplacer(" ", "_", ";", "").Replace(msg), Type: "attribute_group",
			Stability: semconvtest.Development, Brief: "Log record: " + msg + ".",
			Annotations: semconvtest.Annotations{Message: msg, Severity: slices.Sorted(maps.Keys(found[msg].levels))},
		}
		for _, key := range keys {
			if found[msg].fields[key] {
				g.Attributes = append(g.Attributes, semconvtest.Refer(key))
			}
		}
		groups = append(groups, g)
	}
	semconvtest.Hold(t, "../docs/semconv/logs.yaml", *update, groups...)
}

// ofProgram returns the fields of a record that the code of an item makes.
func ofProgram(t *testing.T) map[string]bool {
	t.Helper()
	var b buffer
	m := inside(run(t.Context()), callbacks.KindMap, "parse", -1, 1)
	logged(t, &b, Config{}).InfoContext(inside(m, callbacks.KindMapItem, "parse", 7, 1), "parsed")
	fields := map[string]bool{}
	for _, r := range b.records(t) {
		for field := range r {
			fields[field] = !slices.Contains(standing, field)
		}
	}
	return fields
}

// panicked is an error with a stack.
type panicked struct{ error }

func (panicked) Stack() string { return "goroutine 1\nmain.main" }

// everything calls hooks for all that a run can do.
func everything(cb callbacks.PipelineCallback) {
	boom, second := panicked{errors.New("boom")}, time.Second
	looked := callbacks.CacheLookup{Signature: "ab12", Reason: "input 1 is new"}
	hit := callbacks.NodeCached{Signature: "ab12", Saved: second, Reason: "cache"}

	run := hooktest.Resume(cb, hooktest.Config("daily"), &callbacks.Resumed{Starts: 2})
	n := run.Looked("fetch", looked)
	n.Retry(1, second, boom)
	n.OK(second)
	run.Node("bad").Fail(second, callbacks.ResultError, boom)
	run.Cached("clean", hit)
	run.Skipped("left", "the branch chose right")
	m := run.Map("parse", 4, 2)
	i := m.LookedItem(0, looked)
	i.Retry(1, second, boom)
	i.OK(second)
	m.CachedItem(1, callbacks.MapItemCached{Signature: hit.Signature, Saved: hit.Saved, Reason: hit.Reason})
	m.Item(2).Fail(second, callbacks.ResultTimeout, boom)
	i = m.Item(3)
	i.NestedOn("remote", "temporal").Fail(second, callbacks.ResultFailure, boom)
	i.Node("inner").Fail(second, callbacks.ResultFailure, boom)
	i.Skipped("never", "it failed before")
	i.End(callbacks.End{Result: callbacks.ResultFailure, Err: boom})
	m.Fail(second, callbacks.ResultFailure, boom)
	run.NestedOn("stats", "temporal").OK(second)
	run.Fail(second, callbacks.ResultFailure, boom)
	hooktest.Start(cb, hooktest.Config("daily")).OK(second)
	cb.OnCrashed(callbacks.NewRun(context.Background(), hooktest.Config("daily")), callbacks.Crashed{Duration: second})
}

// inSource returns the messages that the source of the lifecycle has, sorted, and
// the keys of fields in their order there.
func inSource(t *testing.T) (messages, keys []string) {
	t.Helper()
	literals := func(file string, visit func(name, text string)) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.ValueSpec:
				name = n.Names[0].Name
			case *ast.FuncDecl:
				name = ""
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					text, err := strconv.Unquote(n.Value)
					if err != nil {
						t.Fatal(err)
					}
					visit(name, text)
				}
			}
			return true
		})
	}
	unique := map[string]bool{}
	for _, file := range []string{"lifecycle.go", "lifecyclehooks.go", "failures.go", "crashed.go"} {
		literals(file, func(variable, text string) {
			if variable == "" && strings.Contains(text, " ") { // words of fields have no space
				unique[text] = true
			}
		})
	}
	literals("fields.go", func(name, text string) {
		if strings.HasPrefix(name, "key") {
			keys = append(keys, text)
		}
	})
	return slices.Sorted(maps.Keys(unique)), keys
}
