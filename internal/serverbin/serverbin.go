// Package serverbin says where the binaries of the servers that tests start are
// kept, and builds them there from their Go modules.
package serverbin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary is a server whose module is built at one version.
type Binary struct {
	// Name is how people call it.
	Name string
	// File is the file's name in the cache, without the version.
	File string
	// Variable is the environment variable that names another binary.
	Variable string
	// Module, Version and Package say what is built; Package is relative to the
	// module.
	Module, Version, Package string
	// Source, if set, makes in dir what is built in place of the module itself,
	// which may not be changed.
	Source func(module, dir string) error
}

// Path returns where the binary belongs, whether or not it is there: what Variable
// says, else a file named after the version in $SPANLOOM_CACHE, else the same in
// the user's cache directory.
func (b Binary) Path() (string, error) {
	if path := os.Getenv(b.Variable); path != "" {
		return path, nil
	}
	cache := os.Getenv("SPANLOOM_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for %s: %w (set SPANLOOM_CACHE)", b.Name, err)
		}
		cache = dir
	}
	return filepath.Join(cache, "spanloom", b.File+"-"+b.Version), nil
}

// Build makes the binary if it is missing and returns its path. The file
// appears under its name only when it is complete, so an interrupted build
// leaves nothing that a test could start.
func (b Binary) Build(ctx context.Context) (string, error) {
	path, err := b.Path()
	if err != nil {
		return "", err
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		return path, nil
	case !os.IsNotExist(err):
		return "", fmt.Errorf("look for %s: %w", b.Name, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("find the go command: %w", err)
	}
	dir, err := b.download(ctx, goTool)
	if err != nil {
		return "", err
	}
	if b.Source != nil {
		own, err := os.MkdirTemp("", "spanloom-server-*")
		if err != nil {
			return "", fmt.Errorf("build %s: %w", b.Name, err)
		}
		defer os.RemoveAll(own)
		if err := b.Source(dir, own); err != nil {
			return "", fmt.Errorf("prepare the source of %s: %w", b.Name, err)
		}
		dir = own
	}
	tmp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	defer os.Remove(tmp)
	// `go install module@version` refuses a module with replace lines, so the
	// build is made inside the downloaded module.
	build := command(ctx, goTool, "build", "-C", dir, "-buildvcs=false", "-ldflags=-s -w", "-o", tmp, b.Package)
	build.Stdout = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build %s %s: %w", b.Name, b.Version, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("put %s in place: %w", b.Name, err)
	}
	return path, nil
}

// download fetches the module and returns its directory.
func (b Binary) download(ctx context.Context, goTool string) (string, error) {
	out, err := command(ctx, goTool, "mod", "download", "-json", b.Module+"@"+b.Version).Output()
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); err == nil {
		err = jsonErr
	}
	switch {
	case answer.Error != "":
		return "", fmt.Errorf("download %s %s: %s", b.Name, b.Version, answer.Error)
	case err != nil:
		return "", fmt.Errorf("download %s %s: %w", b.Name, b.Version, err)
	}
	return answer.Dir, nil
}

// command runs the go tool outside this repository's workspace.
func command(ctx context.Context, goTool string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, goTool, args...) //nolint:forbidigo // the path that LookPath found
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd
}
