package wire

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// Record is one call of a hook, as it waits to be encoded.
type Record struct {
	// Context is the scope's; for a nested pipeline's hooks it is the child's.
	Context *callbacks.CallbackContext
	// Order is the place among all accepted events, from 1.
	Order uint64
	// Duration is that of an End; of other hooks, the time since the scope's
	// start.
	Duration time.Duration
	// Extra is 1 + the index of the record's extra; 0 when it has none.
	Extra    int32
	Attempts int32
	Hook     callbacks.Hook
	Result   callbacks.Result
	Origin   bool
}

// Extra is what few records have.
type Extra struct {
	Error             Error
	Size, Concurrency int
	Succeeded, Failed int
	Cached, Skipped   int
	Signature, Reason string
	Tier              string
	InCache           int // bytes of the result
	Saved             time.Duration
	TraceID           callbacks.TraceID // of what computed a stored result
	SpanID            callbacks.SpanID
	Delay, Took       time.Duration    // of a retry
	Counts            callbacks.Counts // of a pipeline's end
	Values            string           // the captured text of inputs or outputs
	Label             string           // of a map's item
	Looked, Bypass    bool             // of a cache, without a result
	Resumed           *callbacks.Resumed
	Recorded          *Recorded         // by node code
	Metric            *callbacks.Metric // its At is the record's Duration
}

// Look sets what the cache said; l is nil when there is none.
func (x *Extra) Look(l *callbacks.CacheLookup) {
	if l != nil {
		x.Looked, x.Bypass, x.Signature, x.Reason, x.Tier, x.InCache = true, l.Bypass, l.Signature, l.Reason, l.Tier, l.Stored
	}
}

// Error is an error as far as it crosses to another process. It is an error
// itself, for which callbacks.ErrorType gives the original's type.
type Error struct {
	Type    string
	Message string
	Trace   string
}

// Error returns the text of the original.
func (e *Error) Error() string { return e.Message }

// ErrorType returns what callbacks.ErrorType said of the original.
func (e *Error) ErrorType() string { return e.Type }

// Stack returns the stack of a panic; empty for other errors.
func (e *Error) Stack() string { return e.Trace }

const (
	maxMessage = 1 << 10
	maxStack   = 8 << 10
)

// NewError takes down what crosses of err. Texts go through clip, which also cuts
// them to a number of bytes. The methods of err are not ours: one that panics is
// recovered.
func NewError(err error, clip func(text string, limit int) string) (e Error) {
	if err == nil {
		return Error{}
	}
	defer func() {
		if p := recover(); p != nil {
			e = Error{Type: "panic", Message: fmt.Sprintf("%T: its methods panic", err)}
		}
	}()
	e.Type = cut(callbacks.ErrorType(err), maxMessage)
	e.Message = clip(err.Error(), maxMessage)
	for inner := err; inner != nil; {
		if s, ok := inner.(interface{ Stack() string }); ok {
			e.Trace = clip(s.Stack(), maxStack)
			break
		}
		w, ok := inner.(interface{ Unwrap() error })
		if !ok {
			break
		}
		inner = w.Unwrap()
	}
	return e
}

// cut shortens s to at most limit bytes, at a rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const dots = "..."
	end := limit - len(dots)
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + dots
}

// Bytes is an estimate of the memory that a record with this extra takes, the
// queue's own growth included.
func (x *Extra) Bytes() int64 {
	n := 328 + int64(len(x.Error.Type)+len(x.Error.Message)+len(x.Error.Trace)+len(x.Signature)+len(x.Reason)+len(x.Values)+len(x.Label))
	if x.Metric != nil {
		n += 48 + int64(len(x.Metric.Name))
	}
	if x.Recorded != nil {
		for _, r := range x.Recorded.rows {
			n += 64 + int64(len(r.span))
		}
	}
	return n
}

// RecordSize is the same for a record without an extra.
const RecordSize = 160

// Carried are the hooks that the wire carries.
const Carried = callbacks.AllHooks &^ callbacks.HookEmit

// number is the hook's number in the protocol.
func number(h callbacks.Hook) int32 { return int32(bits.TrailingZeros32(uint32(h))) + 1 }
