package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// File is what is known of one Go file.
type File struct {
	Dir, Package            string
	Lines, Functions, Types int
	Imports                 []string
}

// Package sums up the files of one directory.
type Package struct {
	Dir, Name                               string
	Files, Lines, Functions, Types, Imports int
}

// walk lists the Go files below dir, without those that the go command ignores.
func walk(ctx context.Context, dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case path != dir && entry.IsDir() && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor"):
			return filepath.SkipDir
		case entry.Type().IsRegular() && filepath.Ext(name) == ".go":
			files = append(files, path)
		}
		return ctx.Err()
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there are no Go files below %s; name a directory that has some", dir)
	}
	return files, err
}

func parse(_ context.Context, path string) (File, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	tree, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		return File{}, err
	}
	f := File{Dir: filepath.Dir(path), Package: tree.Name.Name, Lines: bytes.Count(source, []byte("\n"))}
	for _, i := range tree.Imports {
		f.Imports = append(f.Imports, i.Path.Value)
	}
	for _, decl := range tree.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			f.Functions++
		case *ast.GenDecl:
			if d.Tok == token.TYPE {
				f.Types += len(d.Specs)
			}
		}
	}
	return f, nil
}

// group puts the files of each directory together.
func group(_ context.Context, files []File) ([][]File, error) {
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Dir, b.Dir) })
	var groups [][]File
	for i := range files {
		if i == 0 || files[i].Dir != files[i-1].Dir {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], files[i])
	}
	return groups, nil
}

func summarise(_ context.Context, files []File) (Package, error) {
	p := Package{Dir: files[0].Dir, Name: strings.TrimSuffix(files[0].Package, "_test")}
	imports := map[string]bool{}
	for _, f := range files {
		p.Files++
		p.Lines += f.Lines
		p.Functions += f.Functions
		p.Types += f.Types
		for _, i := range f.Imports {
			imports[i] = true
		}
	}
	p.Imports = len(imports)
	return p, nil
}

// rank orders packages by size.
func rank(_ context.Context, packages []Package) ([]Package, error) {
	slices.SortFunc(packages, func(a, b Package) int {
		return cmp.Or(-cmp.Compare(a.Lines, b.Lines), cmp.Compare(a.Dir, b.Dir))
	})
	return packages, nil
}

func report(_ context.Context, dir string, packages []Package) (string, error) {
	const shown = 10
	total := Package{Name: "total", Dir: dir}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(p Package) {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t  %s (%s)\n", p.Lines, p.Files, p.Functions, p.Types, p.Name, p.Dir)
	}
	fmt.Fprintln(w, "lines\tfiles\tfuncs\ttypes\t  package")
	for i, p := range packages {
		if i < shown {
			row(p)
		}
		total.Files += p.Files
		total.Lines += p.Lines
		total.Functions += p.Functions
		total.Types += p.Types
	}
	if n := len(packages) - shown; n > 0 {
		fmt.Fprintf(w, "\t\t\t\t  and %d more packages\n", n)
	}
	row(total)
	err := w.Flush()
	return b.String(), err
}
