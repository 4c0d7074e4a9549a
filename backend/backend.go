package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// Backend describes a telemetry backend and opens instances of it. [New] makes most of
// them. It is a value: the host may serve it from a process of its own, or run it in process.
type Backend struct {
	// Name is what a manifest calls the backend: lower-case letters, digits,
	// "-" and "_". Required.
	Name string
	// Version is the backend's own version. Defaults to the version of the main
	// module of the executable.
	Version string
	// Schema is the JSON Schema (draft 2020-12) of the config that Open
	// accepts. A manifest's config is checked against it before the backend is
	// opened, with the line of each mistake. Defaults to no keys at all.
	Schema []byte
	// Linger is how long the host may hold an event back to send it together
	// with others. Defaults to 10 ms.
	Linger time.Duration
	// Check reports, as one or several joined [*ConfigError], the mistakes in a
	// config that the schema cannot see. It opens nothing and connects to
	// nothing, so that a manifest is checked without starting the backend; Open
	// is called only with a config that Check accepts. Defaults to none.
	Check func(c Config) error
	// Open opens an instance for one entry of a manifest. Required.
	Open func(ctx context.Context, c Config) (Instance, error)
}

// Instance receives the telemetry of one entry of a manifest.
//
// It is an ordinary [callbacks.PipelineCallback], called by one goroutine at a
// time, in the order in which the run called the hooks. Contexts have ids,
// path, depth, node and times, but no Go values, and a scope's parent only
// while that is running. End and Cached events are enough by themselves: after
// a loss, an End may come without its Start.
//
// [FromExporters] and [FromCallback] make instances of what there is already.
//
// An instance that is a [TracesReceiver], a [MetricsReceiver] or a [LogsReceiver]
// also gets what the program makes with OpenTelemetry by itself; one that is not
// is spared it. One with a method Doing() string says by it what it has begun and not
// finished, such as an export that has no answer yet: a program that has waited in vain
// is told. Doing is called concurrently with all else. One with a method
// Refused() []*backendpb.Refusal says by it, after each Flush, which signals the
// destination does not take at all: the program is told once, and sends them no more
// for a while. What came of them is not lost, then, and Flush does not say so.
type Instance interface {
	callbacks.PipelineCallback

	// Flush makes what was received so far durable at its destination. The SDK
	// calls it after every batch and acknowledges the batch when it returns; an
	// error says that what came since the last Flush is lost, or a part of it: one of
	// [Lost], or another with a method Lost() Losses, says how much.
	//
	// With durable delivery the host sends it again, each batch as a whole and alone, until
	// it is exported. What the destination does not take for good it gives up, when
	// something has arrived meanwhile: after three errors for the batch alone that say so by
	// a method Failure() backendpb.Failure, or one of a part that is a partial success;
	// and after four that do not say what they are. Errors of the
	// network, of contexts and of gRPC say it by themselves. What has arrived is what
	// a method Exported() uint64 of the instance counts, which Flush has returned from,
	// or without that method every hook but the starts when Flush returns nil.
	Flush(ctx context.Context) error

	// Close flushes and frees the instance. No hook is called afterwards.
	Close(ctx context.Context) error
}

// Losses is how much of what an instance received is lost: calls of hooks, and those
// of [TracesReceiver], [MetricsReceiver] and [LogsReceiver].
type Losses struct{ Hooks, Traces, Metrics, Logs int }

// Lost returns err, for Flush to return, as an error that says how much is lost, and is
// of the same kind of failure as err.
func Lost(err error, l Losses) error { return &lostError{err, l} }

type lostError struct {
	error

	lost Losses
}

func (e *lostError) Lost() Losses  { return e.lost }
func (e *lostError) Unwrap() error { return e.error }

// Sparing is an [Instance] that listens to hooks of which it does not need each call.
// Of the others the host may leave out OnError, and OnNodeStart and OnMapItemStart
// where the scope ends soon: most events of most programs.
type Sparing interface {
	Needs() callbacks.Hook
}

// Config is what an instance is opened with.
type Config struct {
	// Name is the name of the entry in the manifest.
	Name string
	// JSON is the entry's config as a JSON object, already valid by the schema.
	JSON json.RawMessage
	// Service describes the program whose telemetry this is.
	Service Service
	// Tracing says which spans are made, by an instance that makes spans.
	Tracing Tracing
	// Terminal says what is known of where Output ends.
	Terminal Terminal
	// Output takes text for the people at the host's terminal, which a backend
	// process cannot reach itself. The host writes it to standard error, after
	// the batch in which it was written.
	Output io.Writer
}

// Service is the program whose telemetry a backend receives, in the words of
// OpenTelemetry's resource conventions.
type Service struct {
	Name      string
	Version   string
	Namespace string
	// Attributes are further resource attributes.
	Attributes map[string]string
}

// Tracing says which spans are made of the events, as package telemetry does it.
type Tracing struct {
	// MapItems says which items of a map have spans: "all", "failed_and_slow" or
	// "none". Defaults to "all".
	MapItems string
	// MaxPerMap is the most items of a map that have spans. Defaults to 1000.
	MaxPerMap int
	// ItemRatio is the part of the items that did not fail. Defaults to 1.
	ItemRatio float64
	// KeepFailed makes spans of a run that is not sampled, when it failed.
	KeepFailed bool
	// KeepSlow does so when it took at least so long. Defaults to never.
	KeepSlow time.Duration
	// NoInputs says that no event will have inputs. False when it is not known.
	NoInputs bool
}

// Terminal is what the host knows of its standard error.
type Terminal struct {
	// IsTerminal is false when the output goes to a file or a pipe.
	IsTerminal bool
	// Width is the number of columns; 0 when it is not known.
	Width int
	// Color says that the output may have ANSI colours.
	Color bool
}

// Decode stores the config in v, a pointer to a struct with json tags. A key
// that v does not have is a [*ConfigError], and so is a value of another type.
func (c Config) Decode(v any) error {
	if len(c.JSON) == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(c.JSON)))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		if e.Type == reflect.TypeFor[Duration]() {
			return &ConfigError{Key: e.Field, Message: fmt.Sprintf("a %s is not a duration; %s", e.Value, durationForm)}
		}
		return &ConfigError{Key: e.Field, Message: fmt.Sprintf("a %s is no %s", e.Value, e.Type)}
	}
	if _, quoted, ok := strings.Cut(err.Error(), "json: unknown field "); ok {
		if key, failed := strconv.Unquote(quoted); failed == nil {
			return &ConfigError{Key: key, Message: "there is no such key"}
		}
	}
	return fmt.Errorf("backend %s: config: %w", c.Name, err)
}

// ConfigError is a mistake in a backend's config that its schema cannot see.
// Return it from Open: the host shows it with the line in the manifest.
type ConfigError struct {
	// Key is the path of the key inside the config, such as "endpoint" or
	// "tls.ca"; empty for the config as a whole.
	Key string
	// Message says what is wrong and how to mend it.
	Message string
}

// Error implements error.
func (e *ConfigError) Error() string {
	if e.Key == "" {
		return "config: " + e.Message
	}
	return "config." + e.Key + ": " + e.Message
}

// AsConfigErrors returns the config errors that err is made of.
func AsConfigErrors(err error) []*ConfigError {
	var list []*ConfigError
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		if e, ok := errors.AsType[*ConfigError](err); ok {
			list = append(list, e)
		}
	}
	walk(err)
	return list
}
