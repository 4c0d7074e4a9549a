package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors bounds what one hostile or half-converted file can print; past the
// first hundred places a reader fixes a cause, not places.
const maxErrors = 100

// Error is one fault at one place of a manifest. Its text never holds a value
// that came from the environment.
type Error struct {
	// File is the name the manifest was parsed under or, when Line is 0, the
	// environment variable or flag that is at fault. Defaults to nothing.
	File string
	// Line counts from 1; 0 says that the fault is in no file. Defaults to 1.
	Line int
	// Column counts characters from 1. Defaults to 1.
	Column int
	// Path is the place in the document, such as telemetry.backends[0].plugin.
	// Defaults to empty: the fault is of the document or its syntax.
	Path string
	// Message says what is wrong and, where there is one, how to fix it.
	// Defaults to nothing.
	Message string
}

// Error returns "file:line:column: path: message", or "variable: message".
func (e *Error) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	parts := slices.DeleteFunc([]string{place, e.Path, e.Message}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Errors are all faults of one manifest, sorted by file and position. It is the type
// behind the error of Load, Parse and Find whenever the text of a manifest is
// at fault; errors.As finds it.
type Errors []*Error

// Error returns one fault a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults for errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

func compareErrors(a, b *Error) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Message, b.Message),
	)
}

// tidy sorts, drops repetitions (a schema may reach one place by two ways) and
// cuts the list.
func tidy(errs []*Error) []*Error {
	slices.SortFunc(errs, compareErrors)
	errs = slices.CompactFunc(errs, func(a, b *Error) bool { return compareErrors(a, b) == 0 })
	if n := len(errs) - maxErrors; n > 0 {
		last := errs[maxErrors]
		errs = append(errs[:maxErrors:maxErrors], &Error{
			File: last.File, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("%d more errors from here on", n),
		})
	}
	return errs
}
