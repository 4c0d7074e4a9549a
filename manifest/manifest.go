package manifest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
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
	// Dir is the directory of the manifest, which its relative paths start
	// from; empty means the working directory at the time of parsing.
	// Defaults to the directory of File.
	Dir string `json:"-"`
	// Warnings are places that deserve attention and do not stop the program,
	// sorted by position. Defaults to none.
	Warnings []*Error `json:"-"`

	root    *yaml.Node
	written map[*yaml.Node]string // see parser
	redact  *strings.Replacer     // nil when there is nothing to replace
}

// Telemetry is the telemetry section.
type Telemetry struct {
	// Enabled says whether any telemetry is recorded at all.
	// Defaults to true.
	Enabled bool `json:"enabled"`
	// Service is what telemetry is attributed to.
	// Defaults to an empty Service.
	Service Service `json:"service"`
	// Backends receive telemetry, in the order of the manifest.
	// Defaults to none.
	Backends []Backend `json:"backends"`
	// ShutdownTimeout is how long a program waits at its end for delivery; it
	// is longer than zero. Defaults to 3s.
	ShutdownTimeout time.Duration `json:"shutdown_timeout"`
}

// Service names the service that telemetry is attributed to.
type Service struct {
	// Name of the service. Defaults to empty: the opener picks the name.
	Name string `json:"name"`
	// Version of the service. Defaults to empty.
	Version string `json:"version"`
	// Namespace keeps equal names apart. Defaults to empty.
	Namespace string `json:"namespace"`
}

// Backend is one entry of telemetry.backends. Exactly one of Plugin and Command
// is set.
type Backend struct {
	// Plugin is the name of a backend that is built in or found in
	// Plugins.Dirs. Defaults to empty: Command says what to run.
	Plugin string `json:"plugin"`
	// Name is unique in the manifest. Defaults to Plugin, or to the base name
	// of the command without spanloom-backend-.
	Name string `json:"name"`
	// Command is the absolute path of a program and its arguments; it is never
	// looked up on PATH. Defaults to nil: Plugin says what to run.
	Command []string `json:"command"`
	// Config is the JSON object of the backend's own settings, checked against
	// the backend's schema where that is known. Defaults to {}.
	Config json.RawMessage `json:"config"`
}

// Plugins is the plugins section.
type Plugins struct {
	// Dirs are absolute directories that hold spanloom-backend-<name> programs.
	// Defaults to .spanloom/backends in the manifest's directory.
	Dirs []string `json:"dirs"`
}

// Errorf makes an error at the place of a path such as
// "telemetry.backends[1].command", for faults that only show when the manifest
// is used. When the path is not in the file (a default, say) the place is that
// of the nearest parent. The arguments must not hold values that came from the
// environment: error texts end up in logs.
func (m *Manifest) Errorf(path, format string, args ...any) *Error {
	line, column := 1, 1
	if m.root != nil {
		n := nearest(m.root, path)
		line, column = n.Line, n.Column
	}
	return &Error{File: m.File, Line: line, Column: column, Path: path, Message: fmt.Sprintf(format, args...)}
}
