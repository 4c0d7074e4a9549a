package doctest

import (
	"errors"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the code and output of examples into the documentation")

// TestExamplesAreThoseInTheTree compares a block of kind "example" with the body
// of an Example function, and one of kind "prints" with its output, which go test
// has compared with what the function prints.
func TestExamplesAreThoseInTheTree(t *testing.T) {
	t.Parallel()
	for _, name := range pages {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		text := fence.ReplaceAllStringFunc(string(data), func(block string) string {
			m := fence.FindStringSubmatch(block)
			kind, arg, is := m[1], m[2], m[4]
			if kind != "example" && kind != "prints" {
				return block
			}
			code, output, err := example(arg)
			if err != nil {
				t.Errorf("%s: %s: %v", name, arg, err)
				return block
			}
			want := output
			if kind == "example" {
				want = code
			}
			if is != want && !*update {
				t.Errorf("%s: %s %s is (-), the page says (+); go test ./internal/doctest -update writes it:\n%s", name, kind, arg, cmp.Diff(want, is))
			}
			head, _, _ := strings.Cut(block, "\n```")
			return head + "\n```" + m[3] + "\n" + want + "```"
		})
		if *update {
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// example returns the body and the output of the example function that
// "directory/ExampleName" names.
func example(arg string) (code, output string, err error) {
	files, err := filepath.Glob(filepath.Join(root, path.Dir(arg), "*_test.go"))
	if err != nil {
		return "", "", err
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return "", "", err
		}
		if !strings.Contains(string(source), "func "+path.Base(arg)+"()") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, file, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return "", "", err
		}
		for _, e := range doc.Examples(tree) {
			if "Example"+e.Name != path.Base(arg) {
				continue
			}
			if e.Output == "" {
				return "", "", errors.New("it has no output, so that nothing runs it")
			}
			body := bodyOf(tree, path.Base(arg))
			return dedented(source[fset.Position(body.Lbrace).Offset+1 : fset.Position(body.Rbrace).Offset]), e.Output, nil
		}
	}
	return "", "", errors.New("there is no such function")
}

// bodyOf returns the body of a function that the file has.
func bodyOf(tree *ast.File, name string) *ast.BlockStmt {
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name {
			return f.Body
		}
	}
	return nil
}

// dedented returns the lines of a function's body up to the comment with its
// output.
func dedented(body []byte) string {
	code, _, _ := strings.Cut(string(body), "\n\t// Output:")
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(code, "\n") + "\n") {
		b.WriteString(strings.TrimPrefix(line, "\t"))
	}
	return b.String()
}
