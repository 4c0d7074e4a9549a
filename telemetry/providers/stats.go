package providers

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Stats is what became of what the providers made. Spans and log records are
// counted each, metrics by collection.
type Stats struct {
	Spans, Metrics, Logs Counts
}

// Lost returns how much of all kinds is lost.
func (s Stats) Lost() uint64 { return s.Spans.Lost() + s.Metrics.Lost() + s.Logs.Lost() }

// Counts is what became of one kind of telemetry. Everything is in exactly one of
// the counts.
type Counts struct {
	// Exported was taken by the exporter.
	Exported uint64
	// Waiting is to be exported, or being exported.
	Waiting uint64
	// BufferFull found no place to wait, and is lost.
	BufferFull uint64
	// ExportFailed is lost because the exporter failed, or was not done by the end
	// of Shutdown.
	ExportFailed uint64
	// AfterShutdown came after Shutdown, and is lost.
	AfterShutdown uint64
}

// Lost returns how much is lost, for whatever reason.
func (c Counts) Lost() uint64 { return c.BufferFull + c.ExportFailed + c.AfterShutdown }

// counters are Counts as they are counted.
type counters struct {
	exported, waiting, bufferFull, failed, afterShutdown atomic.Uint64

	last atomic.Pointer[error] // the last that the exporter returned
}

func (c *counters) counts() Counts {
	return Counts{
		Exported: c.exported.Load(), Waiting: c.waiting.Load(), BufferFull: c.bufferFull.Load(),
		ExportFailed: c.failed.Load(), AfterShutdown: c.afterShutdown.Load(),
	}
}

// done counts n as exported, or as failed when there is an error.
func (c *counters) done(n int, err error) {
	if err != nil {
		c.last.Store(&err)
		c.failed.Add(uint64(n))
		return
	}
	c.exported.Add(uint64(n))
}

// Stats returns the counts so far.
func (p *Providers) Stats() Stats {
	return Stats{Spans: p.spans.counts(), Metrics: p.exporter.counts(), Logs: p.records.counts()}
}

// Lost returns one line for people when something is lost, such as
//
//	12 spans and 1 log record of the program lost: the buffer was full
//
// Print it once, after Shutdown.
func (p *Providers) Lost() (line string, ok bool) {
	var what []string
	var most Counts
	var cause error
	for _, kind := range [...]struct {
		*counters

		one, many string
	}{
		{&p.spans.counters, "span", "spans"},
		{&p.exporter.counters, "collection of metrics", "collections of metrics"},
		{&p.records.counters, "log record", "log records"},
	} {
		c := kind.counts()
		switch n := c.Lost(); n {
		case 0:
			continue
		case 1:
			what = append(what, "1 "+kind.one)
		default:
			what = append(what, fmt.Sprint(n, " ", kind.many))
		}
		if last := kind.last.Load(); last != nil {
			cause = *last
		}
		if c.Lost() > most.Lost() {
			most = c
		}
	}
	if len(what) == 0 {
		return "", false
	}
	why := "they came after the end"
	switch {
	case cause != nil && most.ExportFailed > 0:
		why, _, _ = strings.Cut(cause.Error(), "\n")
	case most.BufferFull > 0:
		why = "the buffer was full"
	case most.ExportFailed > 0:
		why = "there was no time to export them"
	}
	last := len(what) - 1
	text := what[last]
	if last > 0 {
		text = strings.Join(what[:last], ", ") + " and " + text
	}
	return fmt.Sprintf("%s of the program lost: %s", text, why), true
}
