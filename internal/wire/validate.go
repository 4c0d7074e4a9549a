package wire

import (
	"errors"
	"fmt"
	"slices"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// ErrMalformed is what is wrong with a batch that cannot be read.
var ErrMalformed = errors.New("malformed batch")

// checker notes the first thing that is wrong.
type checker struct{ err error }

func (c *checker) errorf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

// column checks the length of a column.
func (c *checker) column(table, name string, got, want int) {
	if got != want {
		c.errorf("%s.%s has %d values, want %d", table, name, got, want)
	}
}

// optional checks the length of a column that may be missing.
func (c *checker) optional(table, name string, got, want int) {
	if got > 0 {
		c.column(table, name, got, want)
	}
}

// indices checks that all indices are below limit.
func (c *checker) indices(table, name string, list []uint32, limit int) {
	for _, i := range list {
		if uint64(i) >= uint64(limit) {
			c.errorf("%s.%s has index %d of %d", table, name, i, limit)
			return
		}
	}
}

// Validate says why b cannot be read, or nil. What it lets through can be
// decoded without looking at lengths and indices again.
func Validate(b *pb.Batch) error {
	c := &checker{}
	if b.GetSeq() == 0 {
		c.errorf("seq is 0")
	}
	strs, nodes, runs := len(b.GetStrings()), len(b.GetNodes()), len(b.GetRuns())
	for _, n := range b.GetNodes() {
		if n == nil {
			c.errorf("nodes has an empty row")
			continue
		}
		c.indices("nodes", "text", []uint32{n.GetName(), n.GetType(), n.GetSignature(), n.GetFunction(), n.GetFile(), n.GetVersion()}, strs)
	}
	for _, r := range b.GetRuns() {
		if r == nil {
			c.errorf("runs has an empty row")
			continue
		}
		c.indices("runs", "text", []uint32{r.GetId(), r.GetTraceState(), r.GetRunner()}, strs)
		c.indices("runs", "node", []uint32{r.GetNode()}, nodes)
		if r.GetTraceHi() == 0 && r.GetTraceLo() == 0 {
			c.errorf("runs has a trace id of zeros")
		}
		if r.GetSpan() == 0 {
			c.errorf("runs has a span id of zeros")
		}
	}
	for _, e := range b.GetExports() {
		if e == nil {
			c.errorf("exports has an empty row")
		}
	}
	c.events(b, strs, nodes, runs)
	c.tables(b, len(b.GetEvents().GetHook()), strs)
	return c.err
}

func (c *checker) events(b *pb.Batch, strs, nodes, runs int) {
	e := b.GetEvents()
	n := len(e.GetHook())
	const t = "events"
	c.column(t, "kind", len(e.GetKind()), n)
	c.column(t, "run", len(e.GetRun()), n)
	c.column(t, "node", len(e.GetNode()), n)
	c.column(t, "span", len(e.GetSpan()), n)
	c.column(t, "parent", len(e.GetParent()), n)
	c.column(t, "order", len(e.GetOrder()), n)
	c.column(t, "start", len(e.GetStart()), n)
	c.column(t, "duration", len(e.GetDuration()), n)
	c.column(t, "depth", len(e.GetDepth()), n)
	c.column(t, "index", len(e.GetIndex()), n)
	c.column(t, "iteration", len(e.GetIteration()), n)
	c.column(t, "attempt", len(e.GetAttempt()), n)
	c.column(t, "attempts", len(e.GetAttempts()), n)
	c.column(t, "path", len(e.GetPath()), n)
	c.column(t, "result", len(e.GetResult()), n)
	c.column(t, "flags", len(e.GetFlags()), n)
	if len(e.GetRunner()) > 0 { // hosts leave it out when it says nothing
		c.column(t, "runner", len(e.GetRunner()), n)
		c.indices(t, "runner", e.GetRunner(), strs)
	}
	if len(e.GetQueued()) > 0 {
		c.column(t, "queued", len(e.GetQueued()), n)
	}
	c.indices(t, "run", e.GetRun(), runs)
	c.indices(t, "node", e.GetNode(), nodes)
	c.indices(t, "path", e.GetPath(), strs)
	if slices.Contains(e.GetSpan(), 0) {
		c.errorf("events.span has a span id of zeros")
	}
	if c.err != nil {
		return
	}
	for i, p := range e.GetParent() {
		if p == 0 && b.GetRuns()[e.GetRun()[i]].GetParent() != 0 {
			c.errorf("events.parent has a span id of zeros in a run with a parent")
			break
		}
	}
}

func (c *checker) tables(b *pb.Batch, events, strs int) {
	errs := b.GetErrors()
	n := len(errs.GetEvent())
	c.column("errors", "type", len(errs.GetType()), n)
	c.column("errors", "message", len(errs.GetMessage()), n)
	c.column("errors", "stack", len(errs.GetStack()), n)
	c.indices("errors", "event", errs.GetEvent(), events)
	c.indices("errors", "type", errs.GetType(), strs)
	c.indices("errors", "message", errs.GetMessage(), strs)
	c.indices("errors", "stack", errs.GetStack(), strs)

	maps := b.GetMaps()
	n = len(maps.GetEvent())
	c.column("maps", "size", len(maps.GetSize()), n)
	c.column("maps", "concurrency", len(maps.GetConcurrency()), n)
	c.column("maps", "succeeded", len(maps.GetSucceeded()), n)
	c.column("maps", "failed", len(maps.GetFailed()), n)
	c.column("maps", "cached", len(maps.GetCached()), n)
	c.column("maps", "skipped", len(maps.GetSkipped()), n)
	c.indices("maps", "event", maps.GetEvent(), events)

	cached := b.GetCached()
	n = len(cached.GetEvent())
	c.column("cached", "signature", len(cached.GetSignature()), n)
	c.column("cached", "saved", len(cached.GetSaved()), n)
	c.column("cached", "reason", len(cached.GetReason()), n)
	if len(cached.GetSpan())+len(cached.GetTraceHi())+len(cached.GetTraceLo()) > 0 {
		c.column("cached", "span", len(cached.GetSpan()), n)
		c.column("cached", "trace_hi", len(cached.GetTraceHi()), n)
		c.column("cached", "trace_lo", len(cached.GetTraceLo()), n)
	}
	c.optional("cached", "tier", len(cached.GetTier()), n)
	c.optional("cached", "size", len(cached.GetSize()), n)
	c.indices("cached", "tier", cached.GetTier(), strs)
	c.indices("cached", "event", cached.GetEvent(), events)
	c.indices("cached", "signature", cached.GetSignature(), strs)
	c.indices("cached", "reason", cached.GetReason(), strs)

	retries := b.GetRetries()
	c.column("retries", "delay", len(retries.GetDelay()), len(retries.GetEvent()))
	if len(retries.GetTook()) > 0 {
		c.column("retries", "took", len(retries.GetTook()), len(retries.GetEvent()))
	}
	c.indices("retries", "event", retries.GetEvent(), events)

	counts := b.GetCounts()
	n = len(counts.GetEvent())
	c.column("counts", "nodes", len(counts.GetNodes()), n)
	c.column("counts", "cached", len(counts.GetCached()), n)
	c.column("counts", "missed", len(counts.GetMissed()), n)
	c.indices("counts", "event", counts.GetEvent(), events)

	metrics := b.GetMetrics()
	n = len(metrics.GetEvent())
	c.column("metrics", "name", len(metrics.GetName()), n)
	c.column("metrics", "value", len(metrics.GetValue()), n)
	c.column("metrics", "replayed", len(metrics.GetReplayed()), n)
	c.indices("metrics", "event", metrics.GetEvent(), events)
	c.indices("metrics", "name", metrics.GetName(), strs)

	lookups := b.GetLookups()
	n = len(lookups.GetEvent())
	c.column("lookups", "signature", len(lookups.GetSignature()), n)
	c.column("lookups", "reason", len(lookups.GetReason()), n)
	c.column("lookups", "bypass", len(lookups.GetBypass()), n)
	c.optional("lookups", "tier", len(lookups.GetTier()), n)
	c.optional("lookups", "stored", len(lookups.GetStored()), n)
	c.indices("lookups", "tier", lookups.GetTier(), strs)
	c.indices("lookups", "event", lookups.GetEvent(), events)
	c.indices("lookups", "signature", lookups.GetSignature(), strs)
	c.indices("lookups", "reason", lookups.GetReason(), strs)

	resumed := b.GetResumed()
	n = len(resumed.GetEvent())
	c.column("resumed", "starts", len(resumed.GetStarts()), n)
	c.column("resumed", "trace_hi", len(resumed.GetTraceHi()), n)
	c.column("resumed", "trace_lo", len(resumed.GetTraceLo()), n)
	c.column("resumed", "span", len(resumed.GetSpan()), n)
	c.indices("resumed", "event", resumed.GetEvent(), events)

	recorded := b.GetRecorded()
	n = len(recorded.GetEvent())
	c.column("recorded", "attempt", len(recorded.GetAttempt()), n)
	c.column("recorded", "failure", len(recorded.GetFailure()), n)
	c.column("recorded", "span", len(recorded.GetSpan()), n)
	c.indices("recorded", "event", recorded.GetEvent(), events)

	attrs := b.GetAttributes()
	n = len(attrs.GetEvent())
	c.column("attributes", "key", len(attrs.GetKey()), n)
	c.column("attributes", "type", len(attrs.GetType()), n)
	c.column("attributes", "value", len(attrs.GetValue()), n)
	c.indices("attributes", "event", attrs.GetEvent(), events)
	c.indices("attributes", "key", attrs.GetKey(), strs)
	if c.err != nil {
		return
	}
	for i, typ := range attrs.GetType() {
		text := typ == pb.Attributes_TYPE_STRING || typ == pb.Attributes_TYPE_JSON
		if text && attrs.GetValue()[i] >= uint64(strs) {
			c.errorf("attributes.value has index %d of %d", attrs.GetValue()[i], strs)
			return
		}
	}
}
