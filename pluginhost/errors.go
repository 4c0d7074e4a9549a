package pluginhost

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// ErrClosed says that Shutdown was called.
var ErrClosed = errors.New("shut down")

// Problem is what kept a backend from starting.
type Problem string

// The problems.
const (
	// NotFound: there is no such file.
	NotFound Problem = "not found"
	// NotExecutable: the file may not be run.
	NotExecutable Problem = "not executable"
	// NoInterpreter: what runs the file is not there, as its first line or, for a
	// binary, its head names it.
	NoInterpreter Problem = "no interpreter"
	// NotAProgram: the file is a text that does not say what runs it.
	NotAProgram Problem = "not a program"
	// WrongFormat: the file is a program for another system.
	WrongFormat Problem = "wrong format"
	// Unsafe: others could change the file.
	Unsafe Problem = "unsafe"
	// BadPath: the path is not absolute.
	BadPath Problem = "bad path"
	// NoDirectory: there is no place for the backend's socket.
	NoDirectory Problem = "no directory"
	// ExitedEarly: the process ended before its handshake.
	ExitedEarly Problem = "exited"
	// Panicked: it ended so by a panic.
	Panicked Problem = "panicked"
	// OtherPlugin: it is a plugin of another program.
	OtherPlugin Problem = "plugin of another program"
	// NotABackend: what it printed, or is, is no backend.
	NotABackend Problem = "not a backend"
	// PrintsFirst: it is one, and printed something before its handshake.
	PrintsFirst Problem = "prints before the handshake"
	// LongLine: its first line does not end.
	LongLine Problem = "line too long"
	// WrongVersion: it speaks another version of the protocol.
	WrongVersion Problem = "wrong version"
	// ForeignAddress: its handshake names an address that is not its own socket.
	ForeignAddress Problem = "foreign address"
	// Unreachable: nobody answers at the address of its handshake.
	Unreachable Problem = "unreachable"
	// Mute: it printed nothing in its time to start.
	Mute Problem = "mute"
	// StartTimeout: it wrote something in that time, but did not finish its start.
	StartTimeout Problem = "start timeout"
	// NotLocked: nobody has said that its bytes may run.
	NotLocked Problem = "not locked"
	// Changed: its bytes, or its command, are not those that may run.
	Changed Problem = "changed"
)

// Problems returns all of them.
func Problems() []Problem {
	return []Problem{
		NotFound, NotExecutable, NoInterpreter, NotAProgram, WrongFormat, Unsafe, BadPath, NoDirectory,
		ExitedEarly, Panicked, OtherPlugin, NotABackend, PrintsFirst, LongLine, WrongVersion,
		ForeignAddress, Unreachable, Mute, StartTimeout, NotLocked, Changed,
	}
}

// passes reports whether the problem may be gone at the next start.
func (p Problem) passes() bool {
	switch p {
	case ExitedEarly, Panicked, Unreachable, Mute, StartTimeout:
		return true
	default:
		return false
	}
}

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
	if p, ok := panicIn(lines); ok {
		return "; it wrote: " + p
	}
	var said []string
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			said = append(said, l)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "; it wrote: " + clip(strings.Join(said[max(len(said)-most, 0):], " | "), maxText)
}

// panicIn returns how a Go program panicked, and where: that is at the top of a
// trace, and the end of it says nothing.
func panicIn(lines []string) (text string, ok bool) {
	for i, l := range lines {
		if !strings.HasPrefix(l, "panic: ") && !strings.HasPrefix(l, "fatal error: ") {
			continue
		}
		// Below a function's line is that of its place, with a tab in front.
		for j := i + 1; j+1 < len(lines); j++ {
			place, found := strings.CutPrefix(lines[j+1], `\t`)
			if found && !strings.HasPrefix(lines[j], "panic(") && !strings.HasPrefix(lines[j], "runtime.") {
				place, _, _ = strings.Cut(place, " +0x")
				return l + " (at " + place + ")", true
			}
		}
		return l, true
	}
	return "", false
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
type configsError struct {
	list  []error
	place func(key string) string // of a key; nil when it is not known
}

func (e *configsError) Error() string {
	return inOneLine(e.list, func(err error) string {
		if c, ok := errors.AsType[*backend.ConfigError](err); ok && e.place != nil {
			return e.place(c.Key) + ": " + c.Message
		}
		return err.Error()
	})
}

// Unwrap lets backend.AsConfigErrors find them.
func (e *configsError) Unwrap() []error { return e.list }

// faultsError are the mistakes that the schema of a backend finds in its config.
type faultsError struct{ list []error }

func (e *faultsError) Error() string { return inOneLine(e.list, error.Error) }

// Unwrap lets errors.Is find them.
func (e *faultsError) Unwrap() []error { return e.list }

// listed returns the error of a check of a config: one that has several, on a line
// each, as one that has them on one line.
func listed(err error) error {
	if all, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok && len(all.Unwrap()) > 0 {
		return &faultsError{all.Unwrap()}
	}
	return err
}

// inOneLine returns the text of the first of a list, and of as many others as there is
// room for. It says how many there are beside them.
func inOneLine(list []error, text func(error) string) string {
	const most = 2 * maxText
	s := text(list[0])
	for i, err := range list[1:] {
		next := "; " + text(err)
		if len(s)+len(next) > most {
			return s + fmt.Sprintf(" (and %d more)", len(list)-1-i)
		}
		s += next
	}
	return s
}

// configError returns what a backend had to say against its config.
func (s *Spec) configError(r *pb.ConfigureResponse) error {
	if len(r.GetErrors()) > 0 {
		e := &configsError{place: s.KeyPlace}
		for _, c := range r.GetErrors() {
			e.list = append(e.list, &backend.ConfigError{Key: c.GetKey(), Message: c.GetMessage()})
		}
		return e
	}
	if t := r.GetError(); t != "" {
		return fmt.Errorf("it could not open: %s", t)
	}
	return nil
}

// shown returns err as it may leave the host: its texts are clean, and so are
// those of the errors in it that can be reached. What errors.Is says stays.
func shown(err error, redact func(string) string) error {
	if se, ok := errors.AsType[*StartError](err); ok {
		c := *se
		c.Detail, c.Fix = clean(se.Detail, redact), clean(se.Fix, redact)
		c.Stderr = nil
		for _, l := range se.Stderr {
			c.Stderr = append(c.Stderr, clean(l, redact))
		}
		if se.Err != nil {
			c.Err = shown(se.Err, redact)
		}
		return &c
	}
	if ce, ok := errors.AsType[*configsError](err); ok {
		c := &configsError{place: ce.place}
		for _, e := range ce.list {
			if m, ok := errors.AsType[*backend.ConfigError](e); ok {
				e = &backend.ConfigError{Key: clean(m.Key, redact), Message: clean(m.Message, redact)}
			}
			c.list = append(c.list, e)
		}
		return c
	}
	if fe, ok := errors.AsType[*faultsError](err); ok {
		c := &faultsError{}
		for _, e := range fe.list {
			c.list = append(c.list, &cleanError{text: clean(e.Error(), redact), err: e})
		}
		return c
	}
	return &cleanError{text: clean(plain(err), redact), err: err}
}

// plain returns the text of err without gRPC's words.
func plain(err error) string {
	if s, ok := status.FromError(err); ok && s.Message() != "" {
		return s.Message()
	}
	return err.Error()
}

// cleanError is another error with a text that can be shown. That one cannot be
// had, because its text may not.
type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }

// Is implements errors.Is.
func (e *cleanError) Is(target error) bool { return errors.Is(e.err, target) }
