package doctest

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/pagetest"
)

// TestReasonsAreThoseOfTheCode compares the reasons for losses, and the states and
// problems of backends, with the constants, and the words for them with the source.
func TestReasonsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct{ typ, file string }{
		"reasons":  {"Reason", "pluginhost/ledger.go"},
		"states":   {"State", "pluginhost/host.go"},
		"problems": {"Problem", "pluginhost/errors.go"},
	} {
		want := constants(t, of.file, of.typ)
		var is []string
		for _, row := range rows(t, "docs/operations.md", name) {
			is = append(is, row[0])
			if name == "reasons" && !strings.Contains(source(t, "pluginhost/stats.go"), `"`+row[1]) {
				t.Errorf("no line about losses says %q", row[1])
			}
		}
		slices.Sort(is)
		if !slices.Equal(is, want) {
			t.Errorf("the %s are %q, the page has %q", name, want, is)
		}
	}
}

// TestMessagesAreThoseOfTheCode looks for the messages in the table of what may be
// missing, in the source or in what scripts expect.
func TestMessagesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return errorOr(err, fs.SkipDir)
		}
		if ext := filepath.Ext(path); ext == ".txtar" || ext == ".go" && !strings.HasSuffix(path, "_test.go") {
			all.WriteString(source(t, strings.TrimPrefix(path, root+"/")))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	messages := rows(t, "docs/telemetry.md", "messages")
	if len(messages) < 5 {
		t.Fatalf("%d messages", len(messages))
	}
	for _, row := range messages {
		if !strings.Contains(all.String(), row[0]) {
			t.Errorf("nothing says %q", row[0])
		}
	}
}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// rows returns what stands in backquotes at the beginning of the cells of a table's
// rows, of those whose first cell begins so.
func rows(t *testing.T, page, name string) [][2]string {
	t.Helper()
	table := pagetest.Part(t, filepath.Join(root, page), name)
	var list [][2]string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\| (?:`([^`]*)`)?").FindAllStringSubmatch(table, -1) {
		list = append(list, [2]string{m[1], m[2]})
	}
	return list
}

func source(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// constants returns the values of the string constants of a type, sorted.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]bool{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if is, ok := spec.Type.(*ast.Ident); ok && is.Name == typ {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					values[constant.StringVal(constant.MakeFromLiteral(lit.Value, lit.Kind, 0))] = true
				}
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(values))
}
