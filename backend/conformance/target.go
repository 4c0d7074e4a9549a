package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"
)

// Target is a backend that is checked. It has a Command or Dial, or both: then rules
// of processes are checked with the command, and the others over the connection.
type Target struct {
	// Command is the path of the backend's binary and its arguments.
	Command []string
	// Env is added to what a host puts into the environment of a backend, which is
	// all that the process sees. Each one is NAME=value.
	Env []string
	// Dial connects to a backend that nobody has talked to yet. The function that it
	// returns ends both.
	Dial func(ctx context.Context) (grpc.ClientConnInterface, func(), error)

	// Config is a config with which the backend works, a JSON object. Defaults to {}.
	Config json.RawMessage
	// Mistakes are configs with which it does not.
	Mistakes []Mistake
	// Sink is the backend's destination. Without one, rules of what arrives there are
	// not checked.
	Sink *Sink
	// Timeout is how long a backend may take for an answer, where no rule says
	// otherwise. Defaults to 10 s.
	Timeout time.Duration

	limits *limits // nil means those of rules
	parent bool    // the command is that of a backend's parent, which the backend outlives
}

// limits are the times that rules name.
type limits struct {
	// start is how long a host waits for the handshake by default.
	start time.Duration
	// connect is how long a host may take to connect.
	connect time.Duration
	// atOnce is how long a host waits for an answer of Health.
	atOnce time.Duration
	// exit is how long a process may take to end by itself.
	exit time.Duration
	// patience is for how long a check watches that something does not happen.
	patience time.Duration
	// deadline is that of a host which is about to end the backend.
	deadline time.Duration
}

var named = limits{start: 5 * time.Second, connect: 10 * time.Second, atOnce: time.Second, exit: 5 * time.Second, patience: 700 * time.Millisecond, deadline: time.Second}

func (t *Target) limit() limits {
	if t.limits != nil {
		return *t.limits
	}
	return named
}

// Mistake is a config that the backend refuses, with or without its schema.
type Mistake struct {
	// Config is the config, a JSON object.
	Config json.RawMessage
	// Key is the path of the key that is wrong, such as "tls.ca".
	Key string
}

// Sink is the destination of a backend. Its functions are called by one goroutine at
// a time.
type Sink struct {
	// Set puts the destination into a state, for all backends that are running and
	// those that are started later. Nil when it cannot be done.
	Set func(State)
	// Spans returns the ids of all spans that have arrived, in hexadecimal, as often
	// as each of them did. Nil when it is not known.
	Spans func() []string
}

// State is how a destination behaves.
type State int

const (
	// Works is how it behaves at first.
	Works State = iota
	// Fails says that it refuses what it is given.
	Fails
	// Hangs says that it takes what it is given and does not answer.
	Hangs
)

func (t *Target) timeout() time.Duration { return cmp.Or(t.Timeout, 10*time.Second) }

func (t *Target) config() json.RawMessage {
	if len(t.Config) == 0 {
		return json.RawMessage("{}")
	}
	return t.Config
}

// set sets the state of the sink.
func (t *Target) set(s State) error {
	if t.Sink == nil || t.Sink.Set == nil {
		return skip("needs a sink whose state can be set")
	}
	t.Sink.Set(s)
	return nil
}

// spans counts the spans that have arrived, by id.
func (t *Target) spans() (count map[string]int, known bool) {
	if t.Sink == nil || t.Sink.Spans == nil {
		return nil, false
	}
	count = map[string]int{}
	for _, id := range t.Sink.Spans() {
		count[id]++
	}
	return count, true
}
