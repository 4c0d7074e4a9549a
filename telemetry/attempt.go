package telemetry

import (
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
)

// trial is an attempt of a node or an item.
type trial struct {
	number   int
	start    time.Duration // since the scope's
	delay    time.Duration // before it
	duration time.Duration
	how      callbacks.End
	last     bool
}

// retried is what is known of the next attempt when one has failed.
type retried struct {
	number       int
	start, delay time.Duration
}

// attemptSpan returns the span of an attempt. Its id is that which the code of the
// attempt finds in its context. The first one's is its own: that code was told the
// id of the node, as nobody knew that another attempt would follow.
func (c *Callback) attemptSpan(cc *callbacks.CallbackContext, t trial) *span {
	at := callbacks.Scope{Kind: callbacks.KindAttempt, Node: cc.Node(), Index: int32(cc.Index())}
	if t.number > 1 {
		at.Attempt = uint16(t.number)
	}
	child := &callbacks.CallbackContext{}
	cc.Begin(child, at)
	st := c.step(cc.Node())
	s := c.newSpan(child, t.how, st.ofItems)
	s.name = st.attempt
	if begin := cc.Start(); !begin.IsZero() {
		s.start = begin.Add(t.start)
		s.end = s.start.Add(max(t.duration, time.Nanosecond))
	}
	s.place(cc)
	s.add(keyAttemptNumber.Int(t.number))
	if t.number > 1 {
		s.add(keyAttemptDelay.Float64(t.delay.Seconds()))
	}
	t.how.Origin = false // the failure is recorded at the node
	s.outcome(t.how)
	if nodespan.Some(cc) {
		c.attempted(cc, s, t.number, t.how, t.last)
	}
	return s
}

// OnNodeRetry makes the span of the attempt that failed, and notes when the next
// one begins.
func (c *Callback) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	if !c.wants(cc) {
		return
	}
	this := trial{
		number: ev.Attempt, start: ev.Start, duration: ev.Duration,
		how: callbacks.End{Duration: ev.Duration, Result: callbacks.ResultFailure, Err: ev.Err},
	}
	c.notes.write(cc, func(n *note) {
		this.delay = n.retried.delay
		n.retried = retried{ev.Attempt + 1, ev.Start + ev.Duration + ev.Delay, ev.Delay}
	})
	c.out(cc, c.attemptSpan(cc, this), nil)
}

// lastAttempt makes the span of the attempt with which a node or an item ended. It
// is not known when that began if its retries were told to another process.
func (c *Callback) lastAttempt(cc *callbacks.CallbackContext, e callbacks.End, attempts int, r retried) {
	if attempts < 2 || r.number != attempts {
		return
	}
	start := min(r.start, e.Duration)
	c.out(cc, c.attemptSpan(cc, trial{
		number: attempts, start: start, duration: e.Duration - start, delay: r.delay,
		how: callbacks.End{Duration: e.Duration - start, Result: e.Result, Err: e.Err}, last: true,
	}), nil)
}
