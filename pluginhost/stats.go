package pluginhost

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spanloom/spanloom/internal/bytesize"
)

// Stats is what became of the events of a host, at one moment:
//
//	Emitted = Delivered + the sum of Dropped + InFlight + Kept
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
	// Losses is what all that was dropped held, each kind by itself, and LossesBy the
	// same by reason.
	Losses   Losses
	LossesBy map[Reason]Losses
	// InFlight counts events that are queued, or sent and not acknowledged. It
	// is 0 after Shutdown.
	InFlight uint64
	// Kept counts events that are on the disk and not acknowledged, whether sent or
	// not. After Shutdown the next start has them. It is 0 without a spool.
	Kept uint64
	// Spool is what there is on the disk; nil without [Durable].
	Spool *SpoolStats
	// Ignored counts exports of signals that the backend does not take, or its
	// destination. They are in none of the other counts.
	Ignored map[Signal]uint64
	// Calls is how long the calls of the backend took that have ended.
	Calls []Calls
	// Restarts counts how often the backend ended and was to be started again.
	Restarts map[EndReason]uint64
	// Err is why the backend is down, or was before it is started again; nil when it
	// is neither.
	Err error

	lost  [reasons]units
	epoch uint64 // of the host, under which what is kept stands in the spool
}

// SpoolStats is what a spool holds, and what became of the events that earlier runs
// have left in it: they are in none of the counts of Stats.
type SpoolStats struct {
	// Err is why there is no spool, so that events are in memory only; nil mostly.
	Err error
	// Bytes is what the spool takes on the disk.
	Bytes int64
	// Adopted counts the events that earlier runs have left, Delivered and Failed those
	// of them that the backend has exported, and could not, Ignored those of signals that
	// it takes none of, Expired those that were too old, and Waiting those without an
	// answer. What is in none of the five was damaged.
	Adopted, Delivered, Failed, Ignored, Expired, Waiting uint64
	// Damaged counts places on the disk that could not be read.
	Damaged uint64
}

// lost is what was lost of what earlier runs have left, by reason.
func (s *SpoolStats) lost() (lost [reasons]units) {
	if s == nil {
		return lost
	}
	known := s.Delivered + s.Failed + s.Ignored + s.Waiting
	rest := s.Adopted - min(known, s.Adopted)
	expired := min(s.Expired, rest)
	lost[reasonExportFailed][0], lost[reasonExpired][0], lost[reasonSpoolFailed][0] = s.Failed, expired, rest-expired
	return lost
}

// HandedOver returns s, which is of a host that is shut down, without what another host
// has taken over from its spool, and counts in its [SpoolStats]. What should be there and
// is not, the disk has lost. Before the other one has it, or if it cannot, s is as it was.
func (s Stats) HandedOver(to *Host) Stats {
	c := to.durable()
	if c == nil || s.Kept == 0 {
		return s
	}
	found, ok := c.spool.Found(s.epoch)
	if !ok {
		return s
	}
	if lost := s.Kept - min(found, s.Kept); lost > 0 {
		s.Dropped, s.LossesBy = maps.Clone(s.Dropped), maps.Clone(s.LossesBy)
		s.Dropped[SpoolFailed] += lost
		s.lost[reasonSpoolFailed][0] += lost // what they were is lost, too
		s.LossesBy[SpoolFailed] = s.lost[reasonSpoolFailed].losses()
		s.Losses.Events += lost
	}
	s.Emitted -= min(found, s.Kept)
	s.Kept = 0
	return s
}

// With returns s with what went through an earlier host of the same name. What that has
// left in a spool counts as kept, unless old is [Stats.HandedOver].
func (s Stats) With(old Stats) Stats {
	s.Emitted += old.Emitted
	s.Delivered += old.Delivered
	s.InFlight += old.InFlight
	s.Kept += old.Kept
	s.Dropped, s.Ignored, s.Restarts, s.LossesBy = maps.Clone(s.Dropped), maps.Clone(s.Ignored), maps.Clone(s.Restarts), map[Reason]Losses{}
	for r, n := range old.Dropped {
		s.Dropped[r] += n
	}
	for k, n := range old.Ignored {
		s.Ignored[k] += n
	}
	for r, n := range old.Restarts {
		s.Restarts[r] += n
	}
	var all units
	for r := range s.lost {
		s.lost[r].add(&old.lost[r])
		all.add(&s.lost[r])
		if s.Dropped[reasonNames[r]] > 0 {
			s.LossesBy[reasonNames[r]] = s.lost[r].losses()
		}
	}
	s.Losses = all.losses()
	s.Calls = mergeCalls(s.Calls, old.Calls)
	return s
}

// Lost returns the sum of Dropped.
func (s Stats) Lost() uint64 {
	n := uint64(0)
	for _, d := range s.Dropped {
		n += d
	}
	return n
}

// Ledger returns the equation of the counts on one line, such as
//
//	12 emitted = 9 delivered + 3 dropped (2 queue_full, 1 oversize) + 0 in flight
//
// and behind it, if there is or was a spool, what is kept there.
func (s Stats) Ledger() string {
	var why []string
	for _, r := range s.reasons() {
		why = append(why, fmt.Sprintf("%d %s", s.Dropped[r], r))
	}
	text := fmt.Sprintf("%d emitted = %d delivered + %d dropped", s.Emitted, s.Delivered, s.Lost())
	if len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	text += fmt.Sprintf(" + %d in flight", s.InFlight)
	if s.Spool != nil || s.Kept > 0 {
		text += fmt.Sprintf(" + %d kept", s.Kept)
	}
	return text
}

// Stats returns the ledger as it is at one moment.
func (h *Host) Stats() Stats {
	s := Stats{Name: h.spec.Name, Err: h.Err(), epoch: h.epoch}
	h.mu.Lock()
	s.State = h.state
	s.Restarts = maps.Clone(h.restarts)
	if h.state == Restarting {
		s.Err = &hostError{name: h.spec.Name, place: h.spec.Place, err: h.cause}
	}
	h.mu.Unlock()
	var dropped [reasons]uint64
	s.Emitted, s.Delivered, s.InFlight, s.Kept, dropped, s.lost = h.queue.counts()
	s.Dropped, s.LossesBy = map[Reason]uint64{}, map[Reason]Losses{}
	var all units
	for r, n := range dropped {
		if n > 0 {
			s.Dropped[reasonNames[r]] = n
			s.LossesBy[reasonNames[r]] = s.lost[r].losses()
			all.add(&s.lost[r])
		}
	}
	s.Spool = h.spoolStats()
	s.Losses = all.losses()
	s.Calls = h.queue.calls.all()
	s.Ignored = map[Signal]uint64{}
	for i, refused := range h.queue.refusals() {
		if n := h.ignored[i].Load() + refused; n > 0 {
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
// With several reasons it has the count of each. What was lost of what earlier runs have
// left in the spool stands behind that, or alone:
//
//	backend "main": 1869 events of earlier runs lost: they were kept for as long as is allowed
//
// Print it once, after Shutdown.
func (h *Host) Lost() (line string, ok bool) {
	s := h.Stats()
	n := s.Lost()
	h.mu.Lock()
	said, uncounted := h.said, h.uncounted
	h.mu.Unlock()
	switch {
	case n > 0 || s.Err != nil && s.Kept == 0:
		line = fmt.Sprintf("backend %q: %s lost: %s", s.Name, s.Losses, h.why(&s.lost, s.Err, said))
		if s.Spool != nil && s.Spool.Err != nil {
			line += fmt.Sprintf("; delivery was not durable: %v", s.Spool.Err)
		}
	case s.Spool != nil && s.Spool.Err != nil:
		line = fmt.Sprintf("backend %q: delivery was not durable: %v", s.Name, s.Spool.Err)
	case uncounted && s.Kept == 0:
		line = fmt.Sprintf("backend %q: events may be lost: %s", s.Name, said)
	}
	earlier := s.Spool.lost()
	var all units
	for r := range earlier {
		all.add(&earlier[r])
	}
	switch {
	case all == (units{}):
	case line == "":
		line = fmt.Sprintf("backend %q: %s of earlier runs lost: %s", s.Name, all.losses(), h.why(&earlier, nil, said))
	default: // which has what it said
		line += fmt.Sprintf("; %s of earlier runs lost: %s", all.losses(), h.why(&earlier, nil, ""))
	}
	if line == "" {
		return "", false
	}
	return h.line(line), true
}

// line makes a line for people.
func (h *Host) line(text string) string {
	if h.spec.Place != "" {
		text = h.spec.Place + ": " + text
	}
	if h.spec.Redact != nil {
		text = h.spec.Redact(text)
	}
	return escape(text)
}

// Kept returns one line for people when events are on the disk that were not
// delivered, such as
//
//	backend "main": 1204 events are kept for the next start, in /var/lib/shop/main: export to http://127.0.0.1:4317: connection refused; to send them before, run: spanloom spool replay main --dir /var/lib/shop/main
//
// Print it once, after Shutdown.
func (h *Host) Kept() (line string, ok bool) {
	s := h.Stats()
	n := s.Kept
	if s.Spool != nil {
		n += s.Spool.Waiting
	}
	if n == 0 {
		return "", false
	}
	line = fmt.Sprintf("backend %q: %d events are kept for the next start, in %s", s.Name, n, h.Spool())
	if n == 1 {
		line = fmt.Sprintf("backend %q: 1 event is kept for the next start, in %s", s.Name, h.Spool())
	}
	why := h.lastSaid()
	if he, ok := errors.AsType[*hostError](s.Err); ok {
		why = he.err.Error()
	}
	if why != "" {
		line += ": " + why
	}
	if h.spec.Durable.Replay != "" {
		line += "; to send them before, run: " + h.spec.Durable.Replay
	}
	return h.line(line), true
}

// spoolStats returns those of the spool.
func (h *Host) spoolStats() *SpoolStats {
	if h.spec.Durable == nil {
		return nil
	}
	select {
	case <-h.opened:
	default:
		return &SpoolStats{}
	}
	if h.courier == nil {
		return &SpoolStats{Err: h.spoolErr}
	}
	return h.courier.stats()
}

// why says for which reasons something was lost, how much for each if there are
// several, and what the backend has said. down is why it is gone, if it is.
func (h *Host) why(lost *[reasons]units, down error, said string) string {
	gone := ""
	if he, ok := errors.AsType[*hostError](down); ok {
		gone = he.err.Error()
	}
	var list []string
	many := 0
	for r := range lost {
		if lost[r] != (units{}) {
			many++
		}
	}
	for r := range lost {
		if lost[r] == (units{}) {
			continue
		}
		text := h.inWords(reasonNames[r])
		switch reasonNames[r] {
		case BackendDown:
			if gone != "" {
				text = gone
			}
		case ExportFailed, AtShutdown:
			if said != "" {
				text += ": " + said
			}
		default:
		}
		if many > 1 {
			text = lost[r].losses().String() + ", as " + text
		}
		list = append(list, text)
	}
	text := strings.Join(list, "; ")
	if gone != "" && !strings.Contains(text, gone) {
		text = strings.TrimPrefix(text+"; "+gone, "; ")
	}
	if said != "" && !strings.Contains(text, said) {
		text = strings.TrimPrefix(text+"; its last error: "+said, "; ")
	}
	return text
}

// inWords says why something was lost.
func (h *Host) inWords(r Reason) string {
	switch r {
	case QueueFull:
		return fmt.Sprintf("the queue was full (%s)", bytesize.Text(h.spec.QueueBytes))
	case ExportFailed:
		return "the backend could not export them"
	case Oversize:
		return "they were too large to send"
	case AtShutdown:
		return "the backend did not take them in the time to shut down"
	case AfterShutdown:
		return "they were emitted after Shutdown"
	case BackendDown:
		return "the backend was down"
	case SpoolFull:
		return "the spool had no room for them"
	case SpoolFailed:
		return "the disk failed that was to keep them"
	case Expired:
		return "they were kept for as long as is allowed"
	default:
		return string(r)
	}
}
