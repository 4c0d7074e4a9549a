package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/spanloom/spanloom/backend"
)

// Launcher says where a backend runs. Make one with [Self], [Executable] or
// [InProcess]; do not implement it.
type Launcher interface {
	launch(ctx context.Context, spec *Spec) (*session, error)
}

// hooked says that this program can be a backend.
var hooked atomic.Bool

// modeVariable tells a process that it is a backend, and which.
const modeVariable = "SPANLOOM_BACKEND_MODE"

// Self runs b in a process made of the host's own executable, which has to call
// [ServeIfBackend] before its main does anything. Where that fails before the
// handshake, b runs in the host's process, which a log line says.
func Self(b backend.Backend) Launcher { return self{b} }

type self struct{ backend backend.Backend }

func (l self) launch(ctx context.Context, spec *Spec) (*session, error) {
	s, err := l.start(ctx, spec)
	var se *StartError
	if err == nil || !errors.As(err, &se) || ctx.Err() != nil {
		return s, err
	}
	spec.log(slog.LevelWarn, "backend runs in this process, not in its own", slog.String("reason", shown(err, spec.Redact).Error()))
	return InProcess(l.backend).launch(ctx, spec)
}

func (l self) start(ctx context.Context, spec *Spec) (*session, error) {
	// A child that does not become a backend would run the program again, and
	// that would start a child.
	if _, child := os.LookupEnv(modeVariable); child || !hooked.Load() {
		return nil, &StartError{
			Problem: NotABackend, Detail: "this program does not call pluginhost.ServeIfBackend before its main",
		}
	}
	path := "/proc/self/exe" // also when the file is gone or another by now
	if runtime.GOOS != "linux" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, &StartError{Problem: NotFound, Detail: "the path of this program is not known", Err: err}
		}
	}
	env := []string{modeVariable + "=" + l.backend.Name}
	// The race detector sleeps for a second at exit by default.
	race := "atexit_sleep_ms=0"
	if r := os.Getenv("GORACE"); r != "" {
		race = r + " " + race
	}
	env = append(env, "GORACE="+race)
	if d := os.Getenv("GOCOVERDIR"); d != "" {
		env = append(env, "GOCOVERDIR="+d)
	}
	name := "spanloom-backend-" + l.backend.Name
	return startProcess(ctx, spec, func(string) (*image, error) {
		return &image{name: path, path: path, args: []string{name}}, nil
	}, env)
}

// ServeIfBackend serves a backend and exits, if the process was started by a
// host for that. Otherwise it returns. Call it first, from an init function:
// lookup knows the backends that [Self] may be given, by name.
func ServeIfBackend(lookup func(name string) (backend.Backend, bool)) {
	name, ok := os.LookupEnv(modeVariable)
	if !ok {
		hooked.Store(true)
		return
	}
	_ = os.Unsetenv(modeVariable) // not for what the backend starts
	b, ok := lookup(name)
	if !ok {
		fmt.Fprintf(os.Stderr, "this program has no backend %q\n", name)
		os.Exit(1)
	}
	backend.Serve(b)
}

// Command is an [Executable] of which the bytes are not checked. A file that others
// than we and root could change is refused.
func Command(path string, args ...string) Launcher { return Executable{Path: path, Args: args} }
