package logs

import (
	"context"
	"log/slog"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// lifecycle logs what runs do.
type lifecycle struct {
	callbacks.Base

	handler slog.Handler
	later   *Later // nil when records are written at once
}

var (
	_ callbacks.PipelineCallback = (*lifecycle)(nil)
	_ callbacks.RunIdentity      = (*lifecycle)(nil)
)

// Lifecycle returns a callback that logs what the runs do that it listens to:
//
//   - INFO: a run starts, goes on where an earlier start of it ended, or ends;
//     a nested pipeline is handed over to another runner (DEBUG in a map item).
//   - WARN: an attempt failed and another follows; the process of a run has died,
//     which the next start with its run store tells.
//   - ERROR: a failure, once, where it began, with error.type,
//     exception.message and, of a panic, exception.stacktrace.
//   - DEBUG: start and end of nested pipelines, nodes, maps and map items; what
//     was cached or skipped; what the look-up of a stored result gave, and that
//     a result was offered to the cache.
//
// An end has spanloom.result and duration_s, in seconds. Texts of errors are cut
// at 256 characters. Inputs and outputs are not logged.
//
// Which hooks it hears follows from the levels that the logger is enabled for
// when a run starts: with INFO no hook of a node that succeeds, nor does a node
// read the clock. What is too low is not logged at any time. A run that is
// started under an OpenTelemetry span takes part in its trace.
func Lifecycle(logger *slog.Logger) callbacks.PipelineCallback {
	l, h := &lifecycle{}, logger.Handler()
	if f, ok := h.(*following); ok {
		l.later, h = f.later, f.Handler
	}
	// The contexts of hooks do not count attempts; the records say what they know.
	l.handler = without(NewHandler(h), fieldAttemptNumber)
	return l
}

const (
	// No Times: for the sake of one duration every node would read the clock.
	infoHooks = callbacks.HookPipelineStart | callbacks.HookPipelineEnd |
		callbacks.HookNestedPipelineStart
	debugHooks = callbacks.HookNodeStart | callbacks.HookNodeEnd | callbacks.HookNodeCached |
		callbacks.HookNodeSkipped | callbacks.HookMapStart | callbacks.HookMapEnd |
		callbacks.HookMapItemStart | callbacks.HookMapItemEnd | callbacks.HookMapItemCached |
		callbacks.Times
	// The number of the attempt that failed for good is known from retries only.
	errorHooks = callbacks.HookError | callbacks.HookNodeRetry
)

// Hooks returns what the enabled levels need. To ask a handler costs a run more than
// hooks of which there is nothing to log: those above an enabled level are taken for
// enabled, and asked again when there is something.
func (l *lifecycle) Hooks() (h callbacks.Hook) {
	const warnHooks = callbacks.HookNodeRetry | callbacks.HookCrashed | errorHooks
	enabled := func(level slog.Level) bool { return l.handler.Enabled(context.Background(), level) }
	switch {
	case enabled(slog.LevelDebug):
		return debugHooks | infoHooks | warnHooks
	case enabled(slog.LevelInfo):
		return infoHooks | warnHooks
	case enabled(slog.LevelWarn):
		return warnHooks
	case enabled(slog.LevelError):
		return errorHooks
	}
	return 0
}

// RunIdentity implements [callbacks.RunIdentity]. Spans of node code stay those
// of the span around the run: this callback makes none that they could be in.
func (*lifecycle) RunIdentity(ctx context.Context) (callbacks.Identity, bool) {
	return propagation.OTel{}.RunIdentity(ctx)
}

// record is a record that is being made.
type record struct {
	slog.Record

	cc *callbacks.CallbackContext
	by *lifecycle
}

// begin returns a record of cc, and false when nobody wants its level.
func (l *lifecycle) begin(cc *callbacks.CallbackContext, level slog.Level, msg string) (record, bool) {
	// What is written later is asked for then.
	if !l.defers(level) && !l.handler.Enabled(cc, level) {
		return record{}, false
	}
	return record{slog.NewRecord(time.Now(), level, msg, 0), cc, l}, true
}

// defers reports whether a record of a level is written later. Only one of a run may
// wait: there are few, and what a node says of itself is worth seeing at once by those
// who look for what is wrong.
func (l *lifecycle) defers(level slog.Level) bool { return l.later != nil && level == slog.LevelInfo }

// log writes the record.
func (r *record) log() {
	l := r.by
	if l.defers(r.Level) {
		l.later.put(r)
		return
	}
	if l.later != nil {
		l.later.precede(r.cc)
	}
	r.write()
}

//go:noinline // the end of a run has little room on the stack, and writes later
func (r *record) write() { _ = r.by.handler.Handle(r.cc, r.Record) }

func (r *record) text(key, value string) {
	if value != "" {
		r.AddAttrs(slog.String(key, value))
	}
}

// end says how something ended. The text of its error is in the record of the
// failure, which stands where that began.
func (r *record) end(e callbacks.End) {
	r.AddAttrs(slog.String(keyResult, e.Result.String()))
	r.took(e.Duration)
	if e.Err != nil && e.Result != callbacks.ResultCancellation {
		r.text(keyErrorType, callbacks.ErrorType(e.Err))
	}
}

// took says how long the scope took, if that is known: d is of the engine, which
// measures when a callback of the run wants it.
func (r *record) took(d time.Duration) {
	if r.cc.Start().IsZero() {
		start, ok := began.Get(r.cc)
		if !ok || r.cc.Parent() != nil {
			return
		}
		d = time.Since(start)
	}
	r.AddAttrs(slog.Float64(keyDuration, d.Seconds()))
}

// began is when a run began whose engine does not measure time.
var began = callbacks.NewKey[time.Time]("began")

// cause says what err is.
func (r *record) cause(err error) {
	if err != nil {
		r.AddAttrs(slog.String(keyErrorType, callbacks.ErrorType(err)),
			slog.String(keyExceptionMessage, shorten(err.Error(), maxMessage)))
	}
}
