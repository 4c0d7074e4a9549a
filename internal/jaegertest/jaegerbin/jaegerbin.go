// Package jaegerbin says where the Jaeger binary of the tests is kept and
// builds it there. It is apart from jaegertest so that `make jaeger` runs
// without the testing package.
package jaegerbin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	module = "github.com/jaegertracing/jaeger"

	// Version is the release the tests run against; its binary is Jaeger v2.
	Version = "v1.76.0"
)

// Path returns where the binary belongs, whether or not it is there:
// $SPANLOOM_JAEGER, else a file named after the version in $SPANLOOM_CACHE,
// else the same in the user's cache directory.
func Path() (string, error) {
	if path := os.Getenv("SPANLOOM_JAEGER"); path != "" {
		return path, nil
	}
	cache := os.Getenv("SPANLOOM_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a place for Jaeger: %w (set SPANLOOM_CACHE)", err)
		}
		cache = dir
	}
	return filepath.Join(cache, "spanloom", "jaeger-"+Version), nil
}

// Build makes the binary if it is missing and returns its path. The file
// appears under its name only when it is complete, so an interrupted build
// leaves nothing that a test could start.
func Build(ctx context.Context) (string, error) {
	path, err := Path()
	if err != nil {
		return "", err
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		return path, nil
	case !os.IsNotExist(err):
		return "", fmt.Errorf("look for Jaeger: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("find the go command: %w", err)
	}
	dir, err := download(ctx, goTool)
	if err != nil {
		return "", err
	}
	tmp := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	defer os.Remove(tmp)
	// `go install module@version` refuses a module with replace lines, so the
	// build is made inside the downloaded module.
	build := command(ctx, goTool, "build", "-C", dir, "-buildvcs=false", "-ldflags=-s -w", "-o", tmp, "./cmd/jaeger")
	build.Stdout = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build Jaeger %s: %w", Version, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("put Jaeger in place: %w", err)
	}
	return path, nil
}

// download fetches the module and returns its directory.
func download(ctx context.Context, goTool string) (string, error) {
	out, err := command(ctx, goTool, "mod", "download", "-json", module+"@"+Version).Output()
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); err == nil {
		err = jsonErr
	}
	switch {
	case answer.Error != "":
		return "", fmt.Errorf("download Jaeger %s: %s", Version, answer.Error)
	case err != nil:
		return "", fmt.Errorf("download Jaeger %s: %w", Version, err)
	}
	return answer.Dir, nil
}

// command runs the go tool outside this repository's workspace.
func command(ctx context.Context, goTool string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, goTool, args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd
}
