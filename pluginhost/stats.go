package pluginhost

import (
	"errors"
	"fmt"
	"strings"
)

// Stats is what became of the events of a host, at one moment:
//
//	Emitted = Delivered + the sum of Dropped + InFlight
//
// An export, whatever it holds, counts as one event.
type Stats struct {
	Name  string
	State State
	// Emitted counts the hooks that the host was called with, and the exports.
	Emitted uint64
	// Delivered counts events that the backend has acknowledged as exported.
	Delivered uint64
	// Dropped counts the others whose fate is known, by reason.
	Dropped map[Reason]uint64
	// Losses is what all that was dropped held, each kind by itself.
	Losses Losses
	// InFlight counts events that are queued, or sent and not acknowledged. It
	// is 0 after Shutdown.
	InFlight uint64
	// Ignored counts exports of signals that the backend does not take. They are
	// in none of the other counts.
	Ignored map[Signal]uint64
	// Calls is how long the calls of the backend took that have ended.
	Calls []Calls
	// Err is why the backend is down; nil when it is not.
	Err error
}

// Lost returns the sum of Dropped.
func (s Stats) Lost() uint64 {
	n := uint64(0)
	for _, d := range s.Dropped {
		n += d
	}
	return n
}

// Stats returns the ledger as it is at one moment.
func (h *Host) Stats() Stats {
	s := Stats{Name: h.spec.Name, Err: h.Err()}
	h.mu.Lock()
	s.State = h.state
	h.mu.Unlock()
	var lost units
	s.Emitted, s.Delivered, s.InFlight, s.Dropped, lost = h.queue.counts()
	s.Losses = lost.losses()
	s.Calls = h.queue.calls.all()
	s.Ignored = map[Signal]uint64{}
	for i := range h.ignored {
		if n := h.ignored[i].Load(); n > 0 {
			s.Ignored[Signal(i)] = n
		}
	}
	return s
}

// Ignored returns one line for people when the program has made telemetry that
// the backend does not take, such as
//
//	backend "jaeger" takes no metrics and no logs
//
// That is as it should be when another backend takes it.
func (h *Host) Ignored() (line string, ok bool) {
	var list []string
	for s := range signals {
		if h.ignored[s].Load() > 0 {
			list = append(list, "no "+s.String())
		}
	}
	if len(list) == 0 {
		return "", false
	}
	last := len(list) - 1
	text := list[last]
	if last > 0 {
		text = strings.Join(list[:last], ", ") + " and " + text
	}
	return fmt.Sprintf("backend %q takes %s", h.spec.Name, text), true
}

// Lost returns one line for people when events were lost, or may be, or the
// backend is down, such as
//
//	backend "console": 1204 events and 3 log records lost: process exited (signal: killed)
//
// Print it once, after Shutdown.
func (h *Host) Lost() (line string, ok bool) {
	s := h.Stats()
	n := s.Lost()
	h.mu.Lock()
	said, uncounted := h.said, h.uncounted
	h.mu.Unlock()
	switch {
	case n > 0 || s.Err != nil:
		line = fmt.Sprintf("backend %q: %s lost: %s", s.Name, s.Losses, h.why(s, said))
	case uncounted:
		line = fmt.Sprintf("backend %q: events may be lost: %s", s.Name, said)
	default:
		return "", false
	}
	if h.spec.Place != "" {
		line = h.spec.Place + ": " + line
	}
	if h.spec.Redact != nil {
		line = h.spec.Redact(line)
	}
	return escape(line), true
}

// why names the reason that lost the most, and the backend's own.
func (h *Host) why(s Stats, said string) string {
	var text string
	sep := "; its last error: "
	if he, ok := errors.AsType[*hostError](s.Err); ok {
		text = he.err.Error()
	} else {
		most := Reason("")
		for r, n := range s.Dropped {
			if n > s.Dropped[most] || n == s.Dropped[most] && r < most {
				most = r
			}
		}
		text = map[Reason]string{
			QueueFull:     fmt.Sprintf("the queue was full (%d KiB)", h.spec.QueueBytes>>10),
			ExportFailed:  "the backend could not export them",
			Oversize:      "they were too large to send",
			AtShutdown:    "the backend did not take them in the time to shut down",
			AfterShutdown: "they were emitted after Shutdown",
			BackendDown:   "the backend was down",
		}[most]
		if most == ExportFailed || most == AtShutdown {
			sep = ": "
		}
	}
	if said != "" && !strings.Contains(text, said) {
		text += sep + said
	}
	return text
}
