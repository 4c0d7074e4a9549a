package propagation

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// warnEvery is how often a process warns at most: who sends malformed fields
// must not be able to fill a log.
const warnEvery = time.Minute

// limiter lets one event through in a while and counts the others.
type limiter struct {
	next    atomic.Int64 // nanoseconds since started
	dropped atomic.Int64
}

var (
	warnings limiter
	started  = time.Now() // so that the clock is the monotonic one
)

// allow reports whether the event at now may pass, and how many did not since
// the last that did.
func (l *limiter) allow(now time.Duration) (dropped int64, ok bool) {
	next := l.next.Load()
	if int64(now) < next || !l.next.CompareAndSwap(next, int64(now+warnEvery)) {
		l.dropped.Add(1)
		return 0, false
	}
	return l.dropped.Swap(0), true
}

// warn says that a field was left out, and nothing of what was in it.
func warn(ctx context.Context, field, reason string, size int) {
	dropped, ok := warnings.allow(time.Since(started))
	if !ok {
		return
	}
	slog.WarnContext(ctx, "a field of the trace context was left out",
		"field", field, "reason", reason, "bytes", size, "others_not_logged", dropped)
}
