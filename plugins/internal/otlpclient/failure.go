package otlpclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

// failure is an attempt that may go better the next time.
type failure struct {
	err    error
	after  time.Duration // what the collector asked for; 0 for nothing
	silent bool          // there was no answer at all
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// refusal is the answer that the collector does not take this very request.
type refusal struct{ error }

// misfit is a reason that is none of the request: the config, or a limit of a rate. No
// attempt goes better soon, and one goes well when it has been mended.
type misfit struct{ error }

// failureOf returns what kind of failure an attempt has ended with. A collector that has
// no place for a signal, and one that has failed inside, say nothing that is certain.
func failureOf(err error) pb.Failure {
	switch err.(type) { //nolint:errorlint // transports do not wrap them
	case *failure, *misfit:
		return pb.Failure_FAILURE_AWAY
	case *refusal:
		return pb.Failure_FAILURE_REFUSED
	default:
		return pb.Failure_FAILURE_UNSPECIFIED
	}
}

// Error is an export that failed, in words that help, on one line and without
// secrets.
type Error struct {
	// Rejected is how much the collector did not take, of Sent, when it took the
	// rest; 0 when all is lost. Sent is 0 when it is not known.
	Rejected, Sent int64
	// Unknown says that the endpoint answered, and knows no such signal.
	Unknown bool

	endpoint otlpconfig.Endpoint
	text     string
	cause    error // context.Canceled, context.DeadlineExceeded, or nil
	failure  pb.Failure
}

// Failure returns what kind of failure it is: only an answer of the collector about this
// very request is a refusal, and only a partial success is what it rejects.
func (e *Error) Failure() pb.Failure { return e.failure }

// Error implements error.
func (e *Error) Error() string { return "export to " + e.endpoint.String() + ": " + e.text }

// Unwrap returns the error of the context, if that ended the export. Other causes
// hold the words of others, which may hold secrets.
func (e *Error) Unwrap() error { return e.cause }

// unknownSignalError is the answer of a server that does not know what it was sent: it may
// take other signals.
type unknownSignalError struct{ text string }

func (e *unknownSignalError) Error() string { return e.text }

// takesNone says so for a signal. What takes no spans is mostly not what it was taken for.
func takesNone(sig signal, over, answer string) error {
	if sig.name == traces.name {
		return &unknownSignalError{"nothing at the endpoint" + over + answer}
	}
	return &unknownSignalError{"the endpoint does not take " + sig.what + answer}
}

// explain makes an Error. last is why an earlier attempt failed.
func (c *Client) explain(err, last error) error {
	e := &Error{endpoint: c.settings.Endpoint, failure: failureOf(err)}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			e.cause = end
		}
	}
	if e.cause != nil || last != nil || errors.Is(err, errNoTime) { // the time was up
		e.failure = pb.Failure_FAILURE_AWAY
	}
	if last != nil {
		err = last
	}
	_, e.Unknown = errors.AsType[*unknownSignalError](err)
	switch {
	case last == nil && e.cause != nil:
		e.text = fmt.Sprintf("no answer in time: %s", e.cause)
	case errors.Is(err, errNoTime):
		e.text = "the collector asked to be left alone for longer than there is time"
	default:
		e.text = c.shown(err.Error())
	}
	return e
}

// partial tells of a reply what the collector did not take. A warning about what
// it took is no error.
func (c *Client) partial(sig signal, sent int64, reply proto.Message) error {
	n, message := rejected(reply)
	if n <= 0 {
		return nil
	}
	e := &Error{endpoint: c.settings.Endpoint, Rejected: n, Sent: sent, failure: pb.Failure_FAILURE_REJECTED}
	of := ""
	if e.Sent > 0 {
		e.Rejected = min(n, e.Sent) // a collector cannot reject what it was not sent
		of = fmt.Sprintf(" of %d", e.Sent)
	}
	e.text = fmt.Sprintf("the collector rejected %d%s %s", e.Rejected, of, sig.things)
	if message = c.shown(message); message != "" {
		e.text += ": " + message
	}
	return e
}

// shown makes a foreign text fit to be shown: first what must not be seen is
// taken out, so that a cut cannot leave half of it.
func (c *Client) shown(text string) string { return oneLine(c.settings.Redact(text)) }

// maxText is the most runes of what a collector says that are shown.
const maxText = 200

// oneLine makes a short line of a foreign text. It looks at no more than a few
// times what it returns.
func oneLine(text string) string {
	if len(text) > 8*maxText {
		text = text[:8*maxText]
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // control characters, and those that turn the direction
			return '\uFFFD'
		default:
			return r
		}
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxText {
		return string(runes[:maxText]) + "…"
	}
	return string(runes)
}
