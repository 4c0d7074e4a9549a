package telemetry

import "sync/atomic"

// Stats counts what became of the spans of a callback. Every span is in exactly
// one of the counts, except Held, which is a part of Queued, and Panics, which counts
// calls.
type Stats struct {
	// Exported spans were taken by the exporter.
	Exported uint64
	// Queued spans wait to be exported, or for the end of a map or a run, or are
	// being exported.
	Queued uint64
	// Held spans are those of Queued that wait for the end of a map or a run, and that
	// Flush does not export.
	Held uint64
	// QueueFull spans found no place in the queue and are lost.
	QueueFull uint64
	// ExportFailed spans are lost because the exporter returned an error or
	// panicked.
	ExportFailed uint64
	// AfterShutdown spans came when the callback was shut down, and are lost.
	AfterShutdown uint64
	// LeftOut spans are those of map items for which [Fanout] has no room, and those
	// of runs that are not sampled and that [Keep] does not keep.
	LeftOut uint64
	// Panics is how often the exporter panicked.
	Panics uint64
}

// Dropped returns the number of spans that are lost, for whatever reason.
func (s Stats) Dropped() uint64 { return s.QueueFull + s.ExportFailed + s.AfterShutdown }

type counters struct {
	exported, queueFull, exportFailed, afterShutdown, leftOut, panics atomic.Uint64
}

// Stats returns the counts so far. It may be called at any time.
func (c *Callback) Stats() Stats {
	held := uint64(c.held.waiting() + c.keep.waiting())
	return Stats{
		Exported:      c.counters.exported.Load(),
		Queued:        uint64(max(c.queue.count.Load(), 0)) + held,
		Held:          held,
		QueueFull:     c.counters.queueFull.Load(),
		ExportFailed:  c.counters.exportFailed.Load(),
		AfterShutdown: c.counters.afterShutdown.Load(),
		LeftOut:       c.counters.leftOut.Load(),
		Panics:        c.counters.panics.Load(),
	}
}
