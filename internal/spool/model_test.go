package spool

import (
	"fmt"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// TestModel lets processes follow each other, with faults, kills and power failures
// wherever they may fall, over many generations of the same directory.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, newMemory(), "model")
		epoch := uint64(0)
		var s *session
		next := func(leave int, seed uint64) {
			w.story += fmt.Sprintf("; crash %d/%d", leave, seed)
			w.m.at, w.m.crash = -1, -1
			w.recovers(leave, seed)
			w.m = w.m.after(leave, seed)
			epoch++
			s = w.begin(epoch)
		}
		number := func(from, to int, label string) int { return rapid.IntRange(from, to).Draw(t, label) }
		next(leaveAll, 0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) {
				n := number(1, 8, "batches")
				w.story += fmt.Sprintf("; append %d", n)
				s.append(n)
			},
			"read": func(*rapid.T) { s.read() },
			"acknowledge": func(*rapid.T) {
				e := uint64(number(1, int(epoch), "epoch"))
				if last := int(s.last[e]); last > 0 {
					seq := uint64(number(1, last, "number"))
					w.story += fmt.Sprintf("; ack %d/%d", e, seq)
					s.ack(e, seq)
				}
			},
			"read again": func(*rapid.T) {
				s.r.Close()
				s.r, s.last = s.NewReader(), map[uint64]uint64{}
			},
			"fault": func(*rapid.T) {
				w.m.at = len(w.m.calls) + number(0, 8, "in")
				w.m.fault = fault{err: syscall.EIO, lasts: number(1, 4, "lasts")}
				if rapid.Bool().Draw(t, "full") {
					w.m.fault.err, w.m.fault.short = syscall.ENOSPC, true
				}
				w.story += fmt.Sprintf("; fault at %d for %d", w.m.at, w.m.fault.lasts)
			},
			"end":  func(*rapid.T) { _ = s.Close(); w.m.kill(); next(leaveAll, 0) },
			"kill": func(*rapid.T) { next(leaveAll, 0) },
			"power failure": func(*rapid.T) {
				w.m.crash = len(w.m.calls) + number(0, 6, "in")
				s.append(number(1, 5, "batches"))
				for e := range epoch {
					s.read()
					s.ack(e+1, s.last[e+1])
				}
				next(number(leaveNone, leaveSome, "leave"), uint64(number(1, 1000, "seed")))
			},
		})
		next(leaveNone, 0)
	})
}
