package manifest

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/privacy"
)

//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON schema (draft 2020-12) of the manifest, for editors
// and documentation. The caller owns the copy.
func Schema() []byte { return slices.Clone(schemaJSON) }

// Manifest is a checked manifest: every reference is replaced, every default is
// filled in and every path of the host is absolute. It holds the values of the
// environment that it refers to, so treat it as a secret when it has any.
// It must not be changed while Errorf is in use; Errorf itself may be called
// from several goroutines.
type Manifest struct {
	// Version is the version of the format as written, such as "1" or "1.3".
	// It is required. Defaults to nothing.
	Version string `json:"version"`
	// Telemetry says what is recorded and where it goes.
	// Defaults to enabled and no backends.
	Telemetry Telemetry `json:"telemetry"`
	// Plugins says where backends are found.
	// Defaults to the directory ./.spanloom/backends beside the manifest.
	Plugins Plugins `json:"plugins"`

	// File is the name that error texts begin with.
	// Defaults to the path or name that was parsed.
	File string `json:"-"`
	// Overlay is the file that was laid over File for the mode.
	// Defaults to none: there is no such file.
	Overlay string `json:"-"`
	// Dir is the directory of the manifest, which its relative paths start
	// from; empty means the working directory at the time of parsing.
	// Defaults to the directory of File.
	Dir string `json:"-"`
	// Warnings are places that deserve attention and do not stop the program,
	// sorted by position. Defaults to none.
	Warnings []*Error `json:"-"`

	text     text
	redact   *strings.Replacer // nil when there is nothing to replace
	redactor *privacy.Redactor
	settings func() []Setting
}

// Plugins is the plugins section.
type Plugins struct {
	// Dirs are absolute directories that hold spanloom-backend-<name> programs.
	// Defaults to .spanloom/backends in the manifest's directory.
	Dirs []string `json:"dirs"`
	// Lock is the absolute path of the file with the SHA-256 sums of the backends
	// that are files. Defaults to spanloom.lock in the manifest's directory.
	Lock string `json:"lock"`
}

// Errorf makes an error at the place of a path such as
// "telemetry.backends[1].command", for faults that only show when the manifest
// is used. When the path is not in the file (a default, say) the place is that
// of the nearest parent. The arguments must not hold values that came from the
// environment: error texts end up in logs.
func (m *Manifest) Errorf(path, format string, args ...any) *Error {
	e := &Error{File: m.File, Line: 1, Column: 1, Path: path, Message: fmt.Sprintf(format, args...)}
	if m.text.root != nil {
		n := nearest(m.text.root, path)
		e.File, e.Line, e.Column = m.text.fileOf(n), n.Line, n.Column
	}
	return e
}
