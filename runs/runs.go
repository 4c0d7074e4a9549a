package runs

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Store keeps runs. All methods are safe for concurrent use.
type Store interface {
	// Open begins the run h.ID, or continues it if the store has it; what else h
	// says counts for a new run only. The error wraps [ErrBusy] when the run is
	// open already, in this process or another.
	//
	// A run that the store has is shown to accept before anything is noted; an
	// error of it is returned as it is. Nil accepts every run.
	Open(ctx context.Context, h Header, accept func(first Header) error) (Log, error)
}

// Log is one open run. All methods are safe for concurrent use.
type Log interface {
	// First returns the header of the first start, and how often the run was
	// started before this time: 0 when it is new.
	First() (h Header, starts int)

	// Finished returns the last successful record of a scope: of status success
	// or cached. It returns false if there is none, or if that record came
	// without outputs. The caller owns the record.
	Finished(kind, path string) (Record, bool, error)

	// Append adds a record. The error wraps [ErrTooLarge] if the record is too
	// large to be kept; one without its values can be appended then, so that the
	// attempt is on record. After another error the record may be appended
	// again; only with Options.Sync, and once the disk has failed, every further
	// Append fails.
	Append(r Record) error

	// Begin notes that a scope has begun, and Done that the scope with that span has
	// ended. A successful record with that span says so too. What is open when the
	// process dies is part of a [Crash]; resuming does not need it.
	Begin(s Scope) error
	Done(spanID string) error

	// Crashes returns what was open in starts whose process has died: in those
	// before of this run, the oldest first, and in those of other runs of the store.
	// Each is returned once, to whichever start asks first; those of this run are to
	// the next start too if this one lives for less than some seconds from then on
	// and does not end. Of a start that could not note all, as on a full disk, nothing
	// is returned. Files that cannot be read are passed over, and large ones are
	// read by parts, call after call.
	Crashes(ctx context.Context) []Crash

	// Close ends this start of the run with its result, such as "success" or
	// "failure", and a message. With the result "" nothing is noted, and the run
	// looks like one that was killed. The log is closed even if there is an
	// error; to close it again does nothing.
	Close(result, message string) error
}

// Header is what is known of a run when it begins. It is written once, by the
// first start.
type Header struct {
	ID       string // any text
	Pipeline string // name
	Plan     string // hash of the plan, hexadecimal
	Input    string // digest of the encoded input, "" when it cannot be encoded

	// The W3C trace context that the run's spans belong to.
	TraceID, SpanID, ParentSpanID string
	Flags                         byte
	TraceState                    string

	Started time.Time       // of the first start; now when it is zero
	Config  json.RawMessage // the resolved configuration; nil when there is none
}

// Record is one attempt of a node or map item, or the decision of a branch.
// Values are JSON, and come back compacted; times come back in UTC.
type Record struct {
	Path    string // the scope, with Kind; any text
	Kind    string // "node", "map_item", …
	Attempt int    // from 1 on
	Status  string // success, failure, error, timeout, cancellation, skip or cached

	Started, Ended time.Time

	// Key is a digest of the inputs; "" when they could not be encoded.
	Key string

	// Inputs and Outputs are encoded values. Nil Outputs mean that they are not
	// kept, and that the scope has to run again; a scope that has none has a
	// slice of length 0.
	Inputs, Outputs []json.RawMessage

	Message, ErrorType string // of what went wrong; of a success, why the step would run again

	// TraceID and SpanID are the span of what computed the outputs: the scope
	// itself, or where the cache had them from; "" when it has none. The trace is
	// that of the first start unless it is said to be another.
	TraceID, SpanID string

	// Metrics are the last values, by their names, that the code has marked. They
	// are finite.
	Metrics map[string]float64
}

// Scope is a scope that has begun. Ids are lower-case hexadecimal digits.
type Scope struct {
	Kind, Path              string // as of a Record
	SpanID, ParentSpanID    string
	Index, Iteration, Depth int
	Started                 time.Time
	Runner                  string // what executes it
	Step                    Step

	// The rest of the W3C trace context, of a root pipeline only: its trace is
	// not that of the first start if a run goes on in one of its own.
	TraceID    string
	Flags      byte
	TraceState string
}

// Step is what is known of a step before it runs.
type Step struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"`
	Version   string `json:"version,omitempty"` // of a pipeline
	Signature string `json:"signature,omitempty"`
	Function  string `json:"function,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
}

// Crash is a start of a run whose process has died.
type Crash struct {
	// Header is that of the run.
	Header
	// Alive is the last sign of life: a log gives one every few seconds.
	Alive time.Time
	// Open are the scopes that had begun and not ended, as they began.
	Open []Scope
}

// MaxRecord is the size in bytes that a record may have once it is encoded.
const MaxRecord = 16 << 20

var (
	// ErrBusy says that a run is open already.
	ErrBusy = errors.New("the run is open already")
	// ErrTooLarge says that a record or header is larger than [MaxRecord].
	ErrTooLarge = errors.New("too large to be kept")
)

// finished tells whether a record of this status is one of success.
func finished(status string) bool { return status == "success" || status == "cached" }
