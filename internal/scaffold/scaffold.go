// Package scaffold writes the repository of a new backend.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed all:template
var files embed.FS

// maxName keeps the names of files and sockets short enough for every system.
const maxName = 40

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// CheckName says why a backend cannot have a name.
func CheckName(name string) error {
	switch {
	case strings.HasPrefix(name, "spanloom-backend-"):
		return fmt.Errorf("%.60q: leave out spanloom-backend-, which comes before the name by itself", name)
	case !nameForm.MatchString(name):
		return fmt.Errorf("%.60q is no name of a backend: use lower-case letters, digits, - and _, with a letter or digit first", name)
	case len(name) > maxName:
		return fmt.Errorf("%.60q is too long for a name: use at most %d characters", name, maxName)
	}
	return nil
}

// Write makes the directory dir, which must not exist, and writes into it what the
// backend of that name begins with. It requires a version of Spanloom, if that is not
// empty. When it fails it leaves nothing behind.
func Write(dir, name, version string) (err error) {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // sources are for others to read
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already, and is left as it is; name another directory with --dir", dir)
		}
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	data := struct{ Name, Version string }{name, version}
	return fs.WalkDir(files, "template", func(from string, d fs.DirEntry, err error) error {
		if err != nil || from == "template" {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimSuffix(strings.TrimPrefix(from, "template/"), ".tmpl")))
		if d.IsDir() {
			return os.Mkdir(to, 0o755) //nolint:gosec // as above
		}
		t, err := template.New(path.Base(from)).Delims("[[", "]]").ParseFS(files, from)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, data); err != nil {
			return err
		}
		return os.WriteFile(to, text.Bytes(), 0o644) //nolint:gosec // as above
	})
}
