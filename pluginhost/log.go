package pluginhost

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// log says something of the backend. It does not wait: standard error may be a pipe
// that nobody reads.
func (s *Spec) log(level slog.Level, text string, attrs ...slog.Attr) {
	logger := s.Logger
	if logger == nil {
		logger = slog.Default()
	}
	ctx := context.Background()
	if logger.Enabled(ctx, level) {
		go logger.LogAttrs(ctx, level, text, append([]slog.Attr{slog.String("backend", s.Name)}, attrs...)...) //nolint:sloglint // a constant of the caller
	}
}

// lossTick is how often a host looks for losses. A program that is shorter than that
// says them at its end.
const lossTick = 5 * time.Second

// watchLosses says that telemetry is lost while the program runs: after the first loss,
// and after others, at most once in tellAgain. What earlier runs have left is told by
// itself.
func (h *Host) watchLosses() {
	tick := time.NewTicker(h.spec.lossTick)
	defer tick.Stop()
	var told, toldEarlier [reasons]units
	var last time.Time
	for {
		select {
		case <-tick.C:
		case <-h.leave:
			return
		}
		if !last.IsZero() && time.Since(last) < tellAgain {
			continue
		}
		if attrs, ok := h.newLosses(&told); ok {
			last = time.Now()
			h.spec.log(slog.LevelWarn, "telemetry is lost", attrs...)
		}
		if attrs, ok := h.newEarlierLosses(&toldEarlier); ok {
			last = time.Now()
			h.spec.log(slog.LevelWarn, "events of earlier runs are lost", attrs...)
		}
	}
}

// newLosses says what was lost beside what was told before, which is then told too; it
// is not ok when that is nothing.
func (h *Host) newLosses(told *[reasons]units) (attrs []slog.Attr, ok bool) {
	s := h.Stats()
	since, now := s.lost, units{}
	for r := range since {
		since[r].sub(&told[r])
		now.add(&since[r])
	}
	if now == (units{}) {
		return nil, false
	}
	*told = s.lost
	return []slog.Attr{
		slog.String("lost_now", now.losses().String()), slog.String("reason", h.clean(h.why(&since, s.Err, h.lastSaid()))),
		slog.String("lost_in_all", s.Losses.String()), slog.Any("ledger", s),
	}, true
}

// newEarlierLosses is newLosses for what earlier runs have left in the spool.
func (h *Host) newEarlierLosses(told *[reasons]units) (attrs []slog.Attr, ok bool) {
	lost := h.spoolStats().lost()
	var since [reasons]units
	var now, all units
	for r := range lost {
		all.add(&lost[r])
		since[r][0] = lost[r][0] - min(told[r][0], lost[r][0]) // it is less when what had expired has arrived
		now.add(&since[r])
	}
	if now == (units{}) {
		return nil, false
	}
	*told = lost
	return []slog.Attr{
		slog.String("lost_now", now.losses().String()), slog.String("reason", h.clean(h.why(&since, nil, h.lastSaid()))),
		slog.String("lost_in_all", all.losses().String()),
	}, true
}

// LogValue returns the ledger: what it counts, and how much of that was emitted,
// delivered, dropped for which reason, is in flight, and kept on the disk, if there is a
// spool.
func (s Stats) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("counts", "hooks and exports, in all"), slog.Uint64("emitted", s.Emitted), slog.Uint64("delivered", s.Delivered)}
	var dropped []any
	for _, r := range s.reasons() {
		dropped = append(dropped, slog.Uint64(string(r), s.Dropped[r]))
	}
	if len(dropped) > 0 {
		attrs = append(attrs, slog.Group("dropped", dropped...))
	}
	attrs = append(attrs, slog.Uint64("in_flight", s.InFlight))
	if s.Spool != nil {
		attrs = append(attrs, slog.Uint64("kept", s.Kept))
	}
	return slog.GroupValue(attrs...)
}

// reasons returns those for which something was dropped, in their order.
func (s Stats) reasons() []Reason {
	return slices.DeleteFunc(Reasons(), func(r Reason) bool { return s.Dropped[r] == 0 })
}
