package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// setters are the functions that change what a whole program uses. They are an
// application's to call: a library that calls one overrides it.
var setters = map[string][]string{
	"go.opentelemetry.io/otel": {
		"SetErrorHandler", "SetLogger", "SetMeterProvider", "SetTextMapPropagator", "SetTracerProvider",
	},
	"go.opentelemetry.io/otel/log/global": {"SetLoggerProvider"},
}

func globalsAreLeftAlone(all packages) (broken []string) {
	for _, p := range all {
		if !ours(p.ImportPath) {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
			broken = append(broken, setterUses(filepath.Join(p.Dir, name))...)
		}
	}
	return broken
}

// setterUses returns the places of a file that name a setter, called or not.
func setterUses(file string) (uses []string) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	imported := map[string][]string{} // name in this file -> setters
	for _, spec := range tree.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil || setters[importPath] == nil {
			continue
		}
		switch {
		case spec.Name == nil:
			imported[path.Base(importPath)] = setters[importPath]
		case spec.Name.Name == ".":
			uses = append(uses, fmt.Sprintf("%s: dot import of %s", fset.Position(spec.Pos()), importPath))
		default:
			imported[spec.Name.Name] = setters[importPath]
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(imported[x.Name], sel.Sel.Name) {
				uses = append(uses, fmt.Sprintf("%s: %s.%s", fset.Position(sel.Pos()), x.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return uses
}

// fakeSource is a repository of one package with one file.
func fakeSource(t *testing.T, source string) packages {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.go"), []byte("package p\n"+source), 0o600); err != nil {
		t.Fatal(err)
	}
	return packages{module + "/p": {ImportPath: module + "/p", Dir: dir, GoFiles: []string{"f.go"}}}
}
