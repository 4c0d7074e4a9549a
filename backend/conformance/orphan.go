package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	shell = "/bin/sh"
	// parentScript is a process that starts a backend and is its host, as far as the
	// backend can see. The backend's process id is in a file before the backend runs.
	parentScript = `SPANLOOM_BACKEND_HOST=$$ ` + shell + ` -c 'echo $$ >pid && exec "$@"' sh "$@" & wait`
	// glance is how often somebody looks whether a process is there.
	glance = 10 * time.Millisecond
)

// orphaned ends the parent of a backend, and not the connection.
func orphaned(ctx context.Context, t *Target) error {
	if _, err := os.Stat(shell); err != nil {
		return skip("there is no " + shell + " to be the parent")
	}
	path, err := filepath.Abs(t.Command[0])
	if err != nil {
		return fmt.Errorf("%s: %w", t.Command[0], err)
	}
	under := *t
	under.parent = true
	under.Command = append([]string{shell, "-c", parentScript, "sh", path}, t.Command[1:]...)
	s, err := under.open(ctx)
	if err != nil {
		return err
	}
	defer s.free()
	if err := s.configure(ctx); err != nil {
		return s.explain(err)
	}
	said, err := os.ReadFile(filepath.Join(s.proc.dir, "pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(said)))
	if err != nil {
		return err
	}
	if err := s.proc.cmd.Process.Kill(); err != nil {
		return s.explain(err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.limit().exit)
	defer cancel()
	look := time.NewTicker(glance)
	defer look.Stop()
	for !gone(pid) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the process still runs %s after the end of its parent", t.limit().exit)
		}
	}
	return nil
}
