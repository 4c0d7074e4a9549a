package spool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// world is what processes have done with a spool, and must find again.
type world struct {
	t     reporter
	m     *memory
	story string

	tried    map[id][]string // everything that was given to Append under a number
	accepted map[id]string
	acked    map[uint64]uint64
}

// reporter is a test, be it one of rapid.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

type id struct{ epoch, seq uint64 }

func newWorld(t reporter, m *memory, story string) *world {
	t.Helper()
	return &world{t: t, m: m, story: story, tried: map[id][]string{}, accepted: map[id]string{}, acked: map[uint64]uint64{}}
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s: %s\ncalls: %s", w.story, fmt.Sprintf(format, args...), strings.Join(w.m.calls, " "))
}

// session is a process.
type session struct {
	*Spool
	w     *world
	epoch uint64
	next  uint64
	r     *Reader
	last  map[uint64]uint64
}

// begin opens the spool; nil when that fails for want of a machine.
func (w *world) begin(epoch uint64) *session {
	w.t.Helper()
	for try := 0; ; try++ {
		s, err := openIn(w.m, "mem", epoch, Config{MaxBytes: 1 << 20, MaxAge: time.Hour})
		if err == nil {
			s.segment, s.pause = 400, 0
			return &session{Spool: s, w: w, epoch: epoch, next: 1, r: s.NewReader(), last: map[uint64]uint64{}}
		}
		if errors.Is(err, errCrashed) {
			return nil
		}
		if try == 10 {
			w.fatalf("open: %v", err)
		}
		w.m.kill()
	}
}

// append appends batches until all are accepted, or the machine is gone. What is
// refused is replaced by something else of the same number.
func (s *session) append(count int) {
	s.w.t.Helper()
	for try := 0; count > 0; try++ {
		var list []Batch
		for i := range count {
			seq := s.next + uint64(i)
			text := fmt.Sprintf("%d/%d/%d/", s.epoch, seq, try)
			text += strings.Repeat("x", int(seq*37%150))
			k := id{s.epoch, seq}
			s.w.tried[k] = append(s.w.tried[k], text)
			list = append(list, Batch{Seq: seq, Events: int(seq), Data: []byte(text)})
		}
		n, err := s.Append(list...)
		for _, b := range list[:n] {
			s.w.accepted[id{s.epoch, b.Seq}] = string(b.Data)
		}
		s.next += uint64(n)
		count -= n
		switch {
		case errors.Is(err, errCrashed):
			return
		case (err == nil) != (count == 0):
			s.w.fatalf("%d are missing, and the error is %v", count, err)
		case try == 20:
			s.w.fatalf("append: %v", err)
		}
	}
}

// read reads what there is, and checks that it is true.
func (s *session) read() (got map[id]bool) {
	s.w.t.Helper()
	got = map[id]bool{}
	for try := 0; ; {
		b, ok, err := s.r.Next()
		switch {
		case errors.Is(err, errCrashed):
			return got
		case err != nil && try < 10:
			try++
			continue
		case err != nil:
			s.w.fatalf("read: %v", err)
		case !ok:
			return got
		}
		k := id{b.Epoch, b.Seq}
		if b.Seq <= s.last[b.Epoch] {
			s.w.fatalf("%v after %d", k, s.last[b.Epoch])
		}
		// What was refused may come again once what took its number is gone.
		if want, ok := s.w.accepted[k]; ok && want != string(b.Data) && k.seq > s.w.acked[k.epoch] {
			s.w.fatalf("%v is %.20q, want %.20q", k, b.Data, want)
		}
		if !slices.Contains(s.w.tried[k], string(b.Data)) || b.Events != int(b.Seq) {
			s.w.fatalf("%v is %.20q, which was never appended", k, b.Data)
		}
		s.last[b.Epoch] = b.Seq
		got[k] = true
	}
}

func (s *session) ack(epoch, seq uint64) {
	s.w.acked[epoch] = max(s.w.acked[epoch], min(seq, s.last[epoch]))
	s.Ack(epoch, s.w.acked[epoch])
}

// live is what processes do: append, read, acknowledge, die, and take over.
func (w *world) live() {
	s := w.begin(1)
	if s == nil {
		return
	}
	s.append(3)
	s.read()
	s.ack(1, 2)
	s.append(6) // more than a segment
	s.read()
	s.ack(1, 7)
	s.append(1)
	s.r.Close()
	w.m.kill()

	if s = w.begin(2); s == nil {
		return
	}
	s.append(2)
	s.read()
	s.ack(1, 9)
	s.ack(2, 1)
	s.ack(1, 10)
	s.append(3)
	s.r.Close()
	_ = s.Close()
	w.m.kill()

	if s = w.begin(3); s == nil {
		return
	}
	s.read()
	s.ack(2, 5)
	s.r.Close()
	_ = s.Close()
	w.m.kill()
}

// recovers checks what a process finds after a crash: everything that was accepted
// and not acknowledged, and nothing that is not true; and that it can go on.
func (w *world) recovers(leave int, seed uint64) {
	w.t.Helper()
	after := *w
	after.m = w.m.after(leave, seed)
	after.story = fmt.Sprintf("%s, after %s", w.story, []string{"losing all", "losing nothing", fmt.Sprint("losing some ", seed)}[leave])
	s := after.begin(99)
	if len(s.Problems()) > 0 {
		after.fatalf("problems: %v", s.Problems())
	}
	got := s.read()
	for k := range w.accepted {
		if k.seq > w.acked[k.epoch] && !got[k] {
			w.fatalf("%s: %v is lost; %+v", after.story, k, s.Stats())
		}
	}
	after.tried, after.accepted = map[id][]string{}, map[id]string{}
	s.append(2)
	if got := s.read(); len(got) != 2 {
		after.fatalf("%d new batches", len(got))
	}
	for epoch, seq := range s.last {
		s.Ack(epoch, seq)
	}
	s.r.Close()
	if err := s.Close(); err != nil {
		after.fatalf("close: %v", err)
	}
	if names, _ := after.m.list("."); len(names) != 1 || names[0] != lockName {
		after.fatalf("it leaves %v", names)
	}
}

const someSeeds = 3

// TestFaults lets each call fail in each way, and the power fail at each call, alone
// and shortly after another call has failed.
func TestFaults(t *testing.T) {
	w := newWorld(t, newMemory(), "no fault")
	w.live()
	for leave := range 2 {
		w.recovers(leave, 0)
	}
	if len(w.accepted) != 15 || w.acked[1] != 10 || w.acked[2] != 5 {
		t.Fatalf("%d accepted, %v acknowledged", len(w.accepted), w.acked)
	}
	total := len(w.m.calls)
	kinds := map[string]int{}
	for _, kind := range w.m.calls {
		kinds[kind]++
	}
	t.Logf("%d calls: %v", total, kinds)

	worlds := 0
	run := func(story string, at int, f fault, crash int) (calls int) {
		t.Helper()
		w := newWorld(t, newMemory(), story)
		w.m.at, w.m.fault, w.m.crash = at, f, crash
		w.live()
		calls = len(w.m.calls)
		if max(at, crash) >= calls {
			w.fatalf("nothing has happened")
		}
		w.m.at, w.m.crash = -1, -1
		w.recovers(leaveNone, 0)
		w.recovers(leaveAll, 0)
		for seed := range uint64(someSeeds) {
			w.recovers(leaveSome, seed+1)
		}
		worlds++
		return calls
	}
	for crash := range total {
		run(fmt.Sprintf("crash at %d (%s)", crash, w.m.calls[crash]), -1, fault{}, crash)
	}
	after := 15
	if raced || testing.Short() {
		after = 1
	}
	for _, f := range []fault{
		{name: "EIO", err: syscall.EIO},
		{name: "EIO, six times", err: syscall.EIO, lasts: 6},
		{name: "short", err: syscall.ENOSPC, short: true},
		{name: "ENOSPC, six times", err: syscall.ENOSPC, lasts: 6},
		{name: "short, six times", err: syscall.ENOSPC, short: true, lasts: 6},
	} {
		for at := range total {
			story := fmt.Sprintf("%s at %d (%s)", f.name, at, w.m.calls[at])
			calls := run(story, at, f, -1)
			for crash := at + 1; crash <= at+after && crash < calls; crash++ {
				run(fmt.Sprintf("%s, crash at %d", story, crash), at, f, crash)
			}
		}
	}
	t.Logf("%d faults and crashes, %d recoveries", worlds, worlds*(2+someSeeds))
}

// TestFailedSync: a segment of which a sync has failed is not written to, nor synced,
// again; the batches are kept by another one.
func TestFailedSync(t *testing.T) {
	w := newWorld(t, newMemory(), "failed sync")
	s := w.begin(1)
	s.segment = maxSegment
	s.append(2)
	w.m.at, w.m.fault = len(w.m.calls)+1, fault{err: syscall.EIO}
	s.append(2)
	calls := strings.Join(w.m.calls[w.m.at-1:], " ")
	if !strings.HasPrefix(calls, "write sync truncate create syncDir write sync") {
		t.Error(calls)
	}
	if st := s.Stats(); st.Failures != 1 || st.Refused != (Count{}) || st.Appended != (Count{4, 10}) {
		t.Errorf("%+v", st)
	}
	w.recovers(leaveNone, 0)

	// Twice is a refusal.
	w.m.at, w.m.fault.lasts = len(w.m.calls)+1, 6
	n, err := s.Append(Batch{Seq: 5, Events: 7, Data: []byte("five")})
	if n != 0 || !errors.Is(err, syscall.EIO) || errors.Is(err, ErrFull) || err.Error() != "spool mem: input/output error" {
		t.Error(n, err)
	}
	if st := s.Stats(); st.Failures != 3 || st.Refused != (Count{1, 7}) {
		t.Errorf("%+v", st)
	}
	w.m.at = -1
	s.append(1)
	if got := s.read(); len(got) != 5 {
		t.Error(got)
	}
	s.r.Close()
	w.recovers(leaveNone, 0)
	w.recovers(leaveAll, 0)
}

// TestFailedPiece: of batches that take several writes none is kept when one of those
// fails, and their place is free again.
func TestFailedPiece(t *testing.T) {
	for at := range 3 {
		m := newMemory()
		s, err := openIn(m, "mem", 1, Config{MaxBytes: 64 << 20, MaxAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, 1, 1, 10)
		before := s.Stats().Bytes
		m.at, m.fault = len(m.calls)+at, fault{err: syscall.ENOSPC, short: true, lasts: 100}
		list := []Batch{batch(1, 2, 300_000), batch(1, 3, 300_000), batch(1, 4, 10)}
		if n, err := s.Append(list...); n != 0 || !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Error(n, err)
		}
		m.at = -1
		if n, err := s.Append(list...); n != 0 || !errors.Is(err, ErrFull) {
			t.Error("it was tried again at once:", n, err)
		}
		s.retry = time.Time{}
		if st := s.Stats(); st.Refused.Batches != 6 || st.Bytes < before {
			t.Errorf("%+v", st)
		}
		add(t, s, 2, 4, 300_000)
		wantRest(t, s.NewReader(), "1:1-4")
		s.Ack(1, 4)
		closeSpool(t, s)
		if names, _ := m.list("."); len(names) != 1 {
			t.Error(names)
		}
	}
}
