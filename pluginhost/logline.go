package pluginhost

import (
	"fmt"
	"regexp"
	"sync"
	"time"
)

// What a backend process logs of its own accord goes to its standard error: by Go's
// package log, as OpenTelemetry's handler of errors and its logger do unless somebody
// has set others. Those lines are for people, and go to Output under the name of the
// backend; all else is only kept for when the process ends.
var logged = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{6})? (.+)$`)

const (
	// maxLogLines is the most lines in a logPeriod that are shown.
	maxLogLines = 20
	logPeriod   = time.Minute
)

// logLines counts what is shown.
type logLines struct {
	mu    sync.Mutex
	since time.Time
	n     int
	more  int // that were not
}

// next reports whether to show a line, and how many before it were not.
func (l *logLines) next(now time.Time) (more int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= logPeriod {
		more, l.since, l.n, l.more = l.more, now, 0, 0
	}
	if l.n == maxLogLines {
		l.more++
		return 0, false
	}
	l.n++
	return more, true
}

// logLine passes on what a backend has logged, a line that is clean. What it says until
// it is ready stands in the error if it never is.
func (h *Host) logLine(line string) {
	m := logged.FindStringSubmatch(line)
	if m == nil {
		return
	}
	select {
	case <-h.ready:
	default:
		return
	}
	more, ok := h.lines.next(time.Now())
	if !ok {
		return
	}
	if more > 0 {
		h.write(fmt.Appendf(nil, "backend %q: %d more lines\n", h.spec.Name, more))
	}
	h.write(fmt.Appendf(nil, "backend %q: %s\n", h.spec.Name, m[1]))
}
