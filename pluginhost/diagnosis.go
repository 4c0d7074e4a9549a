package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/internal/bytesize"
	"github.com/spanloom/spanloom/internal/wire"
)

// startError says in our words why a process did not become a backend.
func startError(err error, path string, p *process, said *tail, spec *Spec) error {
	var refused *StartError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused):
		refused.Stderr = said.Lines()
		return refused
	case p.cmd == nil || p.cmd.Process == nil:
		return unrunnable(path, err)
	}
	late := isTimeout(err) || strings.Contains(err.Error(), "timeout")
	exited := !late && p.stdout.said() == "" && p.ends()
	e := &StartError{Stderr: said.Lines(), Err: err}
	switch line := p.stdout.said(); {
	case line != "" && (p.stdout.isLong() || !isHandshake(line)):
		unexpected(e, p.stdout, shownLine(line, spec.Redact))
	case exited:
		died(e, p.status())
	case late && line != "":
		e.Problem = StartTimeout
		e.Detail = fmt.Sprintf("it sent its handshake and could not be reached within %s", 2*spec.StartTimeout)
		e.Fix = "look at what it does after backend.Serve began; raise start_timeout if the system is slow"
	case late && len(e.Stderr) == 0:
		e.Problem = Mute
		e.Detail = fmt.Sprintf("no handshake within %s, and it wrote nothing", spec.StartTimeout)
		e.Fix = "if it is a Spanloom backend, let main call backend.Serve first"
	case late:
		e.Problem = StartTimeout
		e.Detail = fmt.Sprintf("no handshake within %s", spec.StartTimeout)
		e.Fix = "connect in Open and not before backend.Serve; raise start_timeout if the system is slow"
	default:
		failedHandshake(e, err)
	}
	return e
}

// ends reports whether the process ends soon. What it wrote was read then.
func (p *process) ends() bool {
	select {
	case <-p.done:
	case <-time.After(pipeGrace):
		return false
	}
	select {
	case <-p.errs.ended:
	case <-time.After(2 * pipeGrace):
	}
	return true
}

// shownLine is the beginning of what a process printed, as it may be shown.
func shownLine(line string, redact func(string) string) string {
	if redact != nil {
		line = redact(line)
	}
	return clip(escape(strings.TrimRight(line, "\r")), maxShown)
}

// unexpected says what came in place of a handshake.
func unexpected(e *StartError, out *handshakeReader, line string) {
	const stderr = "log to standard error, and print nothing before backend.Serve"
	switch {
	case out.isLong():
		e.Problem = LongLine
		e.Detail = fmt.Sprintf(`it printed a line of more than %s to standard output in place of a handshake: "%s"`, bytesize.Text(maxLine), clip(line, 40))
		e.Fix = "if it is a Spanloom backend, " + stderr
	case out.isLate():
		e.Problem = PrintsFirst
		e.Detail = fmt.Sprintf(`it printed "%s" to standard output before its handshake`, line)
		e.Fix = stderr + ", in init functions and libraries too"
	default:
		e.Problem = NotABackend
		e.Detail = fmt.Sprintf(`it printed "%s" to standard output in place of a handshake`, line)
		e.Fix = "name a program that calls backend.Serve"
	}
}

// died says how a process ended that wrote no handshake.
func died(e *StartError, how string) {
	_, panicked := panicIn(e.Stderr)
	e.Problem, e.Detail = ExitedEarly, fmt.Sprintf("process exited before its handshake (%s)", how)
	switch {
	case panicked:
		e.Problem = Panicked
		e.Detail = fmt.Sprintf("process panicked before its handshake (%s)", how)
		e.Fix = "mend it there, or what it was given in env and command"
	case slices.ContainsFunc(e.Stderr, func(l string) bool { return strings.HasPrefix(l, "This binary is a plugin.") }):
		e.Problem = OtherPlugin
		e.Detail = "it is a plugin of another program, or was built for another Spanloom"
		e.Fix = "name a program that calls backend.Serve of this Spanloom"
		e.Stderr = nil // advice about that other program
	case strings.HasPrefix(how, "signal: killed"):
		e.Fix = "see what killed it, such as a limit of memory"
	case len(e.Stderr) == 0:
		e.Fix = "it wrote nothing; name a program that calls backend.Serve"
	default:
		e.Fix = "mend what it says"
	}
}

// failedHandshake says what was wrong with a handshake.
func failedHandshake(e *StartError, err error) {
	text := err.Error()
	for _, v := range []struct {
		words, what string
		ours        int
	}{
		{"incompatible API version with plugin. Plugin version: ", "protocol version", wire.ProtocolVersion},
		{"incompatible core API version with plugin. Plugin version: ", "handshake version", plugin.CoreProtocolVersion},
	} {
		if theirs, ok := strings.CutPrefix(text, v.words); ok {
			theirs, _, _ = strings.Cut(theirs, ",")
			e.Problem = WrongVersion
			e.Detail = fmt.Sprintf("it speaks %s %s and this program %d", v.what, theirs, v.ours)
			e.Fix = "rebuild the older of the two"
			return
		}
	}
	e.Problem = NotABackend
	e.Detail = "the handshake failed: " + text
	e.Fix = "rebuild it with this version of the package backend"
}

// unreachable says that nobody answers where the handshake said.
func unreachable(s *session, err error) error {
	if s.exited == nil || status.Code(err) != codes.Unavailable || ended(err) {
		return err
	}
	return &StartError{
		Problem: Unreachable, Detail: "nobody answers at the address of its handshake: " + plain(err),
		Fix: "if it is a Spanloom backend, let backend.Serve print the handshake", Stderr: s.lines(), Err: err,
	}
}
