package pluginhost

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/spool"
)

// courier sends what is in a spool, until it is acknowledged.
//
// What could not be exported is sent again, after the others and alone, until it is
// delivered, too old, or clear that the fault is its own: see judge. So nothing is lost
// while a collector is away.
type courier struct {
	spool *spool.Spool
	queue *queue
	epoch uint64 // our own
	takes func(Signal) bool
	pause time.Duration

	// Of the goroutine that sends.
	reader *spool.Reader
	wire   wireEpoch

	answered chan struct{} // something was
	replayed chan struct{} // closed when nothing of earlier runs waits

	mu       sync.Mutex
	sent     []parcel // those that were read and are not acknowledged to the spool
	pending  int      // how many of them have no answer
	failed   int      // how many of them are to be sent again
	alone    bool     // the one that was sent last must have its answer before others go
	failing  bool     // the last answer was that something is to be sent again
	retry    time.Time
	last     lastSent
	done     map[letter]outcome // those of earlier rounds
	tries    map[letter]tries
	good     uint64 // how often something was settled
	exported uint64 // how often it said that something had arrived
	first    letter // that the last backend which ended had to answer first
	ends     int    // of backends, one after the other, with that one
	expired  uint64 // what of the spool's expired events is accounted for
	replay   replay
	finished bool // nothing of others waits
	adopted  bool // something of others came after the reader was made
	told     bool // replayed is closed
}

// letter names a batch in a spool.
type letter struct{ epoch, seq uint64 }

// parcel is a batch under way.
type parcel struct {
	letter

	wire     uint64 // the epoch it was sent under
	at       time.Time
	stamp    stamp
	events   uint64
	answered bool // finally
	failed   bool // it is to be sent again
	outcome  outcome
}

// outcome is what became of a batch: how many of its events could not be exported,
// and what those held, and how many the backend takes none of.
type outcome struct {
	lost    uint64
	holds   units
	ignored uint64
}

// tries is how often a batch could not be exported, of the times that count.
type tries struct {
	n           int
	first, last uint64 // courier.exported at the first time, and at the last that counts
	lost        units  // what has not arrived at any of them
}

// replay counts events of earlier runs.
type replay struct{ adopted, delivered, failed, ignored uint64 }

// wireEpoch is under which epoch batches are sent: their own, or, where those of a
// backend that is still the same would not follow one another, a new one. It begins
// with any number.
type wireEpoch struct {
	lastSent

	of   uint64 // the epoch in the spool
	used map[uint64]bool
}

type lastSent struct{ epoch, seq uint64 }

// continued returns the epoch to send a batch under.
func (w *wireEpoch) continued(l letter) uint64 {
	switch {
	case w.of == l.epoch && w.seq != 0 && l.seq == w.seq+1:
	case !w.used[l.epoch]:
		w.used[l.epoch] = true
		w.epoch = l.epoch
	default:
		w.epoch = rand.Uint64() //nolint:gosec // it must differ, not be secret
	}
	w.of, w.seq = l.epoch, l.seq
	return w.epoch
}

const (
	// retryDelay is how long nothing is sent after an answer that nothing could be
	// exported, or after the disk could not be read.
	retryDelay = time.Second
	// maxTries is how often a batch is tried that others overtake.
	maxTries = 3
	// maxAhead is the most batches that are read behind one that has to be sent again.
	maxAhead = 4096
)

func newCourier(s *spool.Spool, q *queue, epoch uint64, takes func(Signal) bool, pause time.Duration) *courier {
	st := s.Stats()
	c := &courier{
		spool: s, queue: q, epoch: epoch, takes: takes, pause: pause,
		answered: make(chan struct{}, 1), replayed: make(chan struct{}),
		done: map[letter]outcome{}, tries: map[letter]tries{},
		expired: st.Expired.Events,
	}
	c.replay.adopted = st.Adopted.Events
	return c
}

// begin has everything that is not acknowledged sent again, to a backend that has
// just started.
func (c *courier) begin() {
	c.mu.Lock()
	for i := range c.sent {
		p := &c.sent[i]
		if p.answered || p.failed {
			continue
		}
		if p.letter != c.first {
			c.first, c.ends = p.letter, 0
		}
		if c.ends++; c.ends == maxEnds { // it may be what ends them
			p.giveUp()
		}
		break
	}
	c.failing, c.retry = false, time.Time{}
	c.mu.Unlock()
	c.wire = wireEpoch{used: map[uint64]bool{}}
	c.rewind()
}

// rewind begins a new round: all that is not acknowledged to the spool is read again.
func (c *courier) rewind() {
	c.mu.Lock()
	for i := range c.sent {
		if p := &c.sent[i]; p.answered {
			c.done[p.letter] = p.outcome
		}
	}
	c.sent, c.pending, c.failed, c.alone = c.sent[:0], 0, 0, false
	if c.adopted {
		c.adopted, c.finished = false, false
	}
	c.mu.Unlock()
	c.stop()
	c.reader = c.spool.NewReader()
}

func (c *courier) stop() {
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
}

// send sends batches until life ends.
func (c *courier) send(life context.Context, stream pb.Backend_StreamClient) {
	defer c.stop()
	for c.ready(life) {
		stored := c.queue.storedTo()
		b, some, err := c.reader.Next()
		var data []byte
		switch {
		case err != nil:
			sleep(life, c.pause)
		case !some:
			c.idle(life, stored)
		default:
			data = c.post(life, b)
		}
		// An error here is the stream's end, of which the receiver learns more.
		if data != nil && stream.SendMsg(encodedBatch(data)) != nil {
			return
		}
	}
}

// ready waits until another batch may be sent. It is false when life has ended.
func (c *courier) ready(life context.Context) bool {
	for life.Err() == nil {
		c.mu.Lock()
		pending, full := c.pending, c.pending+c.failed >= maxUnacked || len(c.sent) >= maxAhead || c.adopted
		wait := pending > 0 && (full || c.alone || c.failing)
		retry := c.retry
		c.mu.Unlock()
		if wait {
			c.await(life)
			continue
		}
		sleep(life, time.Until(retry))
		if full && pending == 0 { // the first has failed
			c.rewind()
		}
		return life.Err() == nil
	}
	return false
}

func (c *courier) await(life context.Context) {
	select {
	case <-c.answered:
	case <-life.Done():
	}
}

func sleep(life context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-life.Done():
	}
}

// idle is called when there is nothing more to read. Everything up to stored could
// be read.
func (c *courier) idle(life context.Context, stored mark) {
	if c.takeRest() {
		return
	}
	c.mu.Lock()
	left, pending := len(c.sent), c.pending
	missing := left == 0 && stored.events > c.queue.settledTo()
	if missing {
		c.queue.settleMissing(stored, c.whyMissing())
	}
	if left == 0 {
		c.finish()
	}
	c.mu.Unlock()
	if missing {
		c.spool.Ack(c.epoch, stored.seq)
	}
	if left > 0 && pending == 0 {
		c.rewind()
		return
	}
	select {
	case <-c.spool.More():
	case <-c.answered:
	case <-life.Done():
	}
}

// takeRest takes over what was too much for one time, once all of that is done, and says
// whether there is more to read by that.
func (c *courier) takeRest() bool {
	c.mu.Lock()
	left := len(c.sent)
	c.mu.Unlock()
	return left == 0 && c.spool.Rest() && c.adopt() == nil // what fails waits for another start
}

// whyMissing says why batches of our own did not come from the spool.
func (c *courier) whyMissing() reason {
	if n := c.spool.Stats().Expired.Events; n > c.expired {
		c.expired = n
		return reasonExpired
	}
	return reasonSpoolFailed
}

// finish notes that nothing of earlier runs waits. The courier is locked.
func (c *courier) finish() {
	c.finished = true
	if !c.told {
		c.told = true
		close(c.replayed)
	}
}

// adopt has what others have left in the spool since it was opened sent too.
func (c *courier) adopt() error {
	err := c.spool.Adopt()
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.spool.Stats().Adopted.Events; found > c.replay.adopted {
		c.replay.adopted, c.adopted = found, true
	}
	signal(c.answered) // who waits looks again
	return err         //nolint:wrapcheck // it says all
}

// post notes that a batch is about to be sent, and returns it as it goes; nil when it
// need not.
func (c *courier) post(life context.Context, b spool.Batch) []byte {
	p := parcel{letter: letter{b.Epoch, b.Seq}, events: uint64(b.Events)}
	var data []byte
	var err error
	p.stamp, data, err = parseStamp(b.Data)
	c.mu.Lock()
	_, again := c.tries[p.letter]
	for again && c.pending > 0 && life.Err() == nil {
		c.mu.Unlock()
		c.await(life)
		c.mu.Lock()
	}
	if p.outcome, p.answered = c.done[p.letter]; err != nil && !p.answered {
		p.giveUp()
	}
	if ignored := p.stamp.came.ignored(c.takes); err == nil && !p.answered && ignored == p.events && ignored > 0 {
		p.answered, p.outcome.ignored = true, ignored // the backend has nothing to do with it
	}
	if p.answered {
		c.sent = append(c.sent, p)
		acks := c.pop()
		c.mu.Unlock()
		c.acknowledge(acks)
		return nil
	}
	p.wire, p.at = c.wire.continued(p.letter), time.Now()
	c.last = c.wire.lastSent
	c.sent = append(c.sent, p)
	c.pending++
	c.alone = again
	c.mu.Unlock()
	if p.wire != b.Epoch { // of two values of a field the last counts
		data = protowire.AppendFixed64(protowire.AppendTag(data, epochField, protowire.Fixed64Type), p.wire)
	}
	return data
}

// epochField is the number of the epoch's field in a batch.
const epochField = 1

// oldest returns when the oldest batch without an answer was sent.
func (c *courier) oldest() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.sent {
		if p := &c.sent[i]; !p.answered && !p.failed {
			return p.at, true
		}
	}
	return time.Time{}, false
}

// delivered is how often something was settled, and whether the last answer was that
// something is to be sent again.
func (c *courier) delivered() (n uint64, failing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.good, c.failing
}

// stats returns what the spool holds, and what became of what earlier runs have left.
func (c *courier) stats() *SpoolStats {
	st := c.spool.Stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.replay
	s := &SpoolStats{Bytes: st.Bytes, Adopted: r.adopted, Delivered: r.delivered, Failed: r.failed, Ignored: r.ignored, Expired: st.Stale.Events, Damaged: st.Damaged}
	if known := r.delivered + r.failed + r.ignored + s.Expired; (!c.finished || c.adopted) && known < r.adopted {
		s.Waiting = r.adopted - known
	}
	return s
}
