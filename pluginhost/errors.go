package pluginhost

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// ErrClosed says that Shutdown was called.
var ErrClosed = errors.New("shut down")

// Problem is what kept a backend from starting.
type Problem string

// The problems.
const (
	NotFound      Problem = "not found"
	NotExecutable Problem = "not executable"
	WrongFormat   Problem = "wrong format"
	Unsafe        Problem = "unsafe"
	BadPath       Problem = "bad path"
	ExitedEarly   Problem = "exited"
	NotABackend   Problem = "not a backend"
	WrongVersion  Problem = "wrong version"
	StartTimeout  Problem = "start timeout"
	NoDirectory   Problem = "no directory"
)

// StartError says why a backend did not start, and how to mend it.
type StartError struct {
	Problem Problem
	// Detail is the problem as a short sentence.
	Detail string
	// Fix says what to do about it; it may be empty.
	Fix string
	// Stderr is the end of what the process wrote, a line each, with control
	// characters escaped.
	Stderr []string
	// Err is the cause, when there is one.
	Err error
}

// Error returns detail, fix and the last of what the process wrote, in one line.
func (e *StartError) Error() string {
	s := e.Detail
	if e.Fix != "" {
		s += ": " + e.Fix
	}
	return s + wrote(e.Stderr)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// wrote quotes the last lines that say something.
func wrote(lines []string) string {
	const most = 3
	var said []string
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			said = append(said, l)
		}
	}
	// A Go panic says what it is first, and where at length.
	for i, l := range said {
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") {
			return "; it wrote: " + said[i]
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "; it wrote: " + strings.Join(said[max(len(said)-most, 0):], " | ")
}

// hostError adds whose error it is, and the place in the manifest.
type hostError struct {
	name, place string
	err         error
}

func (e *hostError) Error() string {
	s := fmt.Sprintf("backend %q: %v", e.name, e.err)
	if e.place != "" {
		s = e.place + ": " + s
	}
	return s
}

// Unwrap returns a list, for backend.AsConfigErrors to look further.
func (e *hostError) Unwrap() []error { return []error{e.err} }

// configsError are the mistakes that a backend found in its config.
type configsError struct{ list []error }

func (e *configsError) Error() string {
	s := e.list[0].Error()
	if n := len(e.list) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Unwrap lets backend.AsConfigErrors find them.
func (e *configsError) Unwrap() []error { return e.list }

// configError returns what a backend had to say against its config.
func configError(r *pb.ConfigureResponse) error {
	if len(r.GetErrors()) > 0 {
		e := &configsError{}
		for _, c := range r.GetErrors() {
			e.list = append(e.list, &backend.ConfigError{Key: c.GetKey(), Message: escape(c.GetMessage())})
		}
		return e
	}
	if t := r.GetError(); t != "" {
		return fmt.Errorf("it could not open: %s", escape(t))
	}
	return nil
}
