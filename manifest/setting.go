package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// Setting is one value of a manifest as it may be shown.
type Setting struct {
	// Path is its place in the document, such as telemetry.sampling.ratio.
	Path string
	// Value is a bool, number, string, list of these, or an empty map. What is
	// secret in it is masked.
	Value any
	// Origin says where the value comes from.
	Origin Origin
}

// Origin says where a value comes from. The zero Origin is that of a default.
type Origin struct {
	// File is the manifest or the file that lies over it. Defaults to none.
	File string
	// Line and Column count from 1; they are 0 without a File.
	Line, Column int
	// Variables are the environment variables that gave the value or that it
	// refers to, or the flag. Defaults to none.
	Variables []string
}

// String returns "default", "file:line:column", "VARIABLE", or
// "VARIABLE (file:line:column)" for a value that refers to a variable.
func (o Origin) String() string {
	place := ""
	if o.File != "" {
		place = fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
	}
	variables := strings.Join(o.Variables, ", ")
	switch {
	case place == "" && variables == "":
		return "default"
	case variables == "":
		return place
	case place == "":
		return variables
	}
	return variables + " (" + place + ")"
}

// Settings returns all values of the manifest, defaults too, in the order of
// their paths, for people to see what counts and why. Secrets are masked:
// values that refer to the environment are shown as their references, and
// "[redacted]" stands for what is below headers or auth in a backend's config,
// what has the name of a secret, and what looks like one. The caller owns the
// list. It may be called from several goroutines.
func (m *Manifest) Settings() []Setting {
	if m.settings == nil { // it was not parsed
		return nil
	}
	return slices.Clone(m.settings())
}
