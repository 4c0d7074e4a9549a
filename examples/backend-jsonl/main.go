// Command backend-jsonl is a Spanloom backend that writes what happens in runs as lines
// of JSON to a file, which it rotates. It is an example of a backend in a module of its
// own: it uses nothing of Spanloom that others cannot. docs/writing-a-backend.md says
// how to make one.
package main

import (
	"context"
	"path/filepath"

	"github.com/spanloom/spanloom/backend"
)

// config is what a manifest says.
type config struct {
	Path     string `json:"path"      jsonschema:"The file, in a directory that exists; an absolute path. One program may write to it at a time."`
	MaxBytes int64  `json:"max_bytes" jsonschema:"The size from which on a new file is begun. A single line may be larger."`
	Files    int    `json:"files"     jsonschema:"How many files are kept, with the one that is written to: older ones have .1, .2 and so on behind their names."`
	Sync     bool   `json:"sync"      jsonschema:"Whether lines are on the disk, and survive the loss of power, before they count as delivered. Without, they survive the end of every process."`
}

// Check knows what the schema does not.
func (c *config) Check() error {
	switch {
	case !filepath.IsAbs(c.Path):
		return &backend.ConfigError{Key: "path", Message: "write an absolute path: a backend does not run in the directory of its program"}
	case c.MaxBytes < 1:
		return &backend.ConfigError{Key: "max_bytes", Message: "write a number of bytes greater than 0"}
	case c.Files < 1:
		return &backend.ConfigError{Key: "files", Message: "write 1 or more"}
	}
	return nil
}

// New returns the backend.
func New() backend.Backend {
	return backend.New("jsonl", config{MaxBytes: 10 << 20, Files: 5, Sync: true}, open)
}

func open(_ context.Context, _ backend.Config, c config) (backend.Instance, error) {
	f, err := openFile(c)
	if err != nil {
		return nil, err
	}
	return backend.FromCallback(&lines{to: f}), nil
}

func main() { backend.Serve(New()) }
