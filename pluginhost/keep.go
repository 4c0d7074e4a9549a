package pluginhost

import (
	"errors"

	"github.com/spanloom/spanloom/internal/spool"
)

// keepAtOnce is how many bytes of batches are given to the spool together.
const keepAtOnce = 4 << 20

// keepSoon puts a batch into the list for the spool. before is what the batches
// before it have told of.
func (sh *shipper) keepSoon(b batch, before uint64, estimate int64) bool {
	o := outgoing{batch: b, stamp: stamp{came: b.came, holds: b.holds, before: sh.total}, told: before, estimate: estimate}
	sh.list = append(sh.list, o)
	sh.total = o.stamp.after(b.seq)
	sh.size += len(b.data)
	return sh.size < keepAtOnce || sh.keep()
}

// keep gives the list to the spool, and waits for the disk. What that refuses is
// lost, and told by the next batch, which has the first number that was refused.
func (sh *shipper) keep() bool {
	var batches []spool.Batch
	var given []int // where they are in list
	for i := range sh.list {
		if o := &sh.list[i]; o.lost == reasonNone {
			batches = append(batches, spool.Batch{Epoch: sh.courier.epoch, Seq: o.seq, Events: o.events, Data: o.data})
			given = append(given, i)
		}
	}
	n, why := 0, reasonNone
	if len(batches) > 0 {
		var err error
		n, err = sh.courier.spool.Append(batches...)
		switch {
		case errors.Is(err, spool.ErrFull):
			why = reasonSpoolFull
		case err != nil:
			why = reasonSpoolFailed
		}
	}
	if n < len(batches) {
		first := &sh.list[given[n]]
		sh.seq, sh.dropped, sh.total = first.seq-1, first.told, first.stamp.before
		for _, i := range given[n:] {
			sh.lost += uint64(sh.list[i].events)
		}
	}
	ok := sh.host.queue.stored(sh.list, sh.seq, why)
	clear(sh.list)
	sh.list, sh.size = sh.list[:0], 0
	return ok
}
