package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

func open(t testing.TB, dir string, epoch uint64, c Config) *Spool {
	t.Helper()
	if !private.CanLock {
		t.Skip("this system has no locks for files")
	}
	s, err := Open(dir, epoch, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func tempDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "spool")
}

func closeSpool(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// batch is one whose content follows from its numbers.
func batch(epoch, seq uint64, size int) Batch {
	text := fmt.Sprintf("%d/%d/", epoch, seq)
	return Batch{Epoch: epoch, Seq: seq, Events: int(seq % 7), Data: []byte(text + strings.Repeat("x", max(size-len(text), 0)))}
}

// add appends batches from..to.
func add(t testing.TB, s *Spool, from, to uint64, size int) {
	t.Helper()
	var list []Batch
	for seq := from; seq <= to; seq++ {
		list = append(list, batch(s.epoch, seq, size))
	}
	if n, err := s.Append(list...); n != len(list) || err != nil {
		t.Fatalf("%d of %d: %v", n, len(list), err)
	}
}

// rest reads all that there is, as text such as "1:3-5".
func rest(t testing.TB, r *Reader) string {
	t.Helper()
	var spans []string
	var epoch, from, to uint64
	flush := func() {
		if to > 0 {
			spans = append(spans, fmt.Sprintf("%d:%d-%d", epoch, from, to))
		}
	}
	for {
		b, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			flush()
			return strings.Join(spans, " ")
		}
		if want := batch(b.Epoch, b.Seq, len(b.Data)); string(b.Data) != string(want.Data) || b.Events != want.Events {
			t.Fatalf("%d/%d is %.20q with %d events", b.Epoch, b.Seq, b.Data, b.Events)
		}
		if b.Epoch != epoch || b.Seq != to+1 {
			flush()
			epoch, from = b.Epoch, b.Seq
		}
		to = b.Seq
	}
}

func wantRest(t testing.TB, r *Reader, want string) {
	t.Helper()
	if got := rest(t, r); got != want {
		t.Errorf("there is %q, want %q", got, want)
	}
}

func ls(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestReadAndAcknowledge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "spool")
	s := open(t, dir, 1, Config{})
	s.segment = 1000
	r := s.NewReader()
	defer r.Close()
	<-s.More() // from Open
	wantRest(t, r, "")
	add(t, s, 1, 3, 300)
	<-s.More()
	add(t, s, 4, 10, 300)
	wantRest(t, r, "1:1-10")
	wantRest(t, r, "")
	add(t, s, 11, 12, 300)
	wantRest(t, r, "1:11-12")
	if got := strings.Join(ls(t, dir), " "); got != "lock 00000001.seg 00000002.seg 00000003.seg lock" {
		t.Error(got)
	}
	if st := s.Stats(); st.Bytes != 12*(300+headSize) || st.Appended.Batches != 12 {
		t.Errorf("%+v", st)
	}

	// After a backend was restarted, what is not acknowledged comes again.
	s.Ack(1, 5)
	s.Ack(1, 3) // late
	s.Ack(7, 3) // of nobody
	again := s.NewReader()
	defer again.Close()
	wantRest(t, again, "1:6-12")
	if got := strings.Join(ls(t, dir), " "); got != "lock 00000002.seg 00000003.seg acked lock" {
		t.Error(got)
	}
	s.Ack(1, 1000) // more than there is
	add(t, s, 13, 13, 10)
	wantRest(t, s.NewReader(), "1:13-13")
	s.Ack(1, 13)
	closeSpool(t, s)
	closeSpool(t, s)
	if got := strings.Join(ls(t, dir), " "); got != "lock" {
		t.Error(got)
	}
	if n, err := s.Append(batch(1, 14, 10)); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Error(n, err)
	}
	wantRest(t, s.NewReader(), "")
}

func TestTakeOver(t *testing.T) {
	dir := tempDir(t)
	first, second := open(t, dir, 11, Config{}), open(t, dir, 12, Config{})
	add(t, second, 1, 2, 100)
	add(t, first, 1, 9, 100)
	first.Ack(11, 4)
	living := open(t, dir, 13, Config{})
	wantRest(t, living.NewReader(), "") // they live
	add(t, living, 1, 1, 100)
	closeSpool(t, first)
	closeSpool(t, second)

	s := open(t, dir, 14, Config{})
	add(t, s, 1, 3, 100)
	if st := s.Stats(); st.Adopted != (Count{7, 5 + 6 + 0 + 1 + 2 + 1 + 2}) || st.Bytes != 14*(100+headSize) {
		t.Errorf("%+v", st)
	}
	r := s.NewReader()
	wantRest(t, r, "12:1-2 11:5-9 14:1-3") // as they began
	s.Ack(11, 9)
	s.Ack(14, 1)
	s.Ack(12, 1)
	wantRest(t, s.NewReader(), "12:2-2 14:2-3")
	closeSpool(t, s)

	if _, err := Open(dir, 12, Config{}); err == nil || err.Error() != "spool "+dir+": another process has appended with the same epoch, 000000000000000c" {
		t.Error(err)
	}
	s = open(t, dir, 15, Config{})
	wantRest(t, s.NewReader(), "12:2-2 14:2-3")
	s.Ack(12, 2)
	s.Ack(14, 3)
	if st := s.Stats(); st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
	closeSpool(t, living)
	closeSpool(t, s)
	s = open(t, dir, 16, Config{})
	wantRest(t, s.NewReader(), "13:1-1")
}

// What is above the bound is refused, all of it, and exactly counted; what is kept
// stays; and acknowledgements make room.
func TestBound(t *testing.T) {
	s := open(t, tempDir(t), 1, Config{MaxBytes: 16 << 10})
	var list []Batch
	for seq := range uint64(30) {
		list = append(list, batch(1, seq+1, 1000-headSize))
	}
	n, err := s.Append(list...)
	if n != 16 || !errors.Is(err, ErrFull) || !strings.HasSuffix(err.Error(), ": the spool is full: it has all the bytes that it may") {
		t.Fatal(n, err)
	}
	if n, err := s.Append(list[16:]...); n != 0 || !errors.Is(err, ErrFull) {
		t.Fatal(n, err)
	}
	events := uint64(0)
	for _, b := range list[16:] {
		events += 2 * uint64(b.Events)
	}
	if st := s.Stats(); st.Refused != (Count{28, events}) || st.Bytes != 16000 || st.Failures != 0 {
		t.Errorf("%+v", st)
	}
	r := s.NewReader()
	wantRest(t, r, "1:1-16")
	for seq := uint64(17); seq <= 100; seq++ {
		s.Ack(1, seq-15)
		if n, err := s.Append(batch(1, seq, 1000-headSize)); n != 1 || err != nil {
			t.Fatal(seq, err, s.Stats())
		}
	}
	wantRest(t, r, "1:86-100") // what is acknowledged meanwhile is not read
	s.Ack(1, 100)              // the segment that is written to counts until it is in the way
	if n, err := s.Append(batch(1, 101, 15000)); n != 1 || err != nil {
		t.Error(err)
	}
	if n, err := s.Append(batch(1, 102, 17000)); n != 0 || !errors.Is(err, ErrFull) {
		t.Error(n, err)
	}
	wantRest(t, r, "1:101-101")

	// So does one that is not full.
	s = open(t, tempDir(t), 1, Config{MaxBytes: 16 << 10})
	s.segment = maxSegment
	add(t, s, 1, 12, 1000)
	s.Ack(1, 11)
	if n, err := s.Append(batch(1, 13, 5000)); n != 0 || !errors.Is(err, ErrFull) {
		t.Error(n, err)
	}
	s.Ack(1, 12)
	if n, err := s.Append(batch(1, 13, 5000)); n != 1 || err != nil || s.Stats().Bytes != 5000+headSize {
		t.Error(n, err, s.Stats())
	}
}

func TestMistakes(t *testing.T) {
	dir := tempDir(t)
	for want, c := range map[string]Config{
		"MaxBytes is -1; it may not be negative": {MaxBytes: -1},
		"MaxAge is -1ns; it may not be negative": {MaxAge: -1},
	} {
		if _, err := Open(dir, 1, c); err == nil || err.Error() != "spool "+dir+": "+want {
			t.Error(err)
		}
	}
	s := open(t, dir, 1, Config{})
	add(t, s, 1, 5, 10)
	for want, list := range map[string][]Batch{
		"batch 5 after batch 5":                             {{Seq: 5}},
		"batch 7 after batch 7":                             {{Seq: 7}, {Seq: 7}},
		"batch 6 has 16777217 bytes, and may have 16777216": {{Seq: 6, Data: make([]byte, maxData+1)}},
		"batch 6 has -1 events":                             {{Seq: 6, Events: -1}},
	} {
		if n, err := s.Append(list...); n != 0 || err == nil || err.Error() != "spool "+dir+": "+want {
			t.Error(n, err)
		}
	}
	if n, err := s.Append(); n != 0 || err != nil {
		t.Error(n, err)
	}
	s.Ack(1, 5)
}

func TestExpiry(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir, 1, Config{})
	s.segment = 300
	add(t, s, 1, 10, 100)
	s.Ack(1, 2)
	closeSpool(t, s)
	segments, _ := filepath.Glob(filepath.Join(dir, "v1-*", "*.seg"))
	old := time.Now().Add(-time.Hour)
	for _, name := range segments[:2] { // 1-3, 4-6
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, 2, Config{MaxAge: 30 * time.Minute})
	wantRest(t, s.NewReader(), "1:7-10")
	if st := s.Stats(); st.Expired != (Count{4, 3 + 4 + 5 + 6}) || st.Adopted.Batches != 8 || st.Bytes != 4*(100+headSize) {
		t.Errorf("%+v", st)
	}

	// What becomes old later goes when a segment is begun.
	s.mu.Lock()
	for _, g := range s.logs[0].segments {
		g.written = old
	}
	s.mu.Unlock()
	add(t, s, 1, 1, 100)
	wantRest(t, s.NewReader(), "2:1-1")
	if st := s.Stats(); st.Expired != (Count{8, 18 + 0 + 1 + 2 + 3}) {
		t.Errorf("%+v", st)
	}
}

// TestAtOnce appends, reads and acknowledges at the same time; a second reader begins
// anew now and then.
func TestAtOnce(t *testing.T) {
	const total = 2000
	s := open(t, tempDir(t), 1, Config{MaxBytes: 64 << 10})
	var all sync.WaitGroup
	all.Go(func() {
		for seq := uint64(1); seq <= total; {
			list := []Batch{batch(1, seq, 500), batch(1, seq+1, 100), batch(1, seq+2, 10)}
			n, err := s.Append(list[:min(3, total+1-seq)]...)
			seq += uint64(n)
			if err != nil && !errors.Is(err, ErrFull) {
				t.Error(err)
				return
			}
		}
	})
	r := s.NewReader()
	for last, furthest := uint64(0), uint64(0); furthest < total && !t.Failed(); {
		b, ok, err := r.Next()
		switch {
		case err != nil:
			t.Fatal(err)
		case !ok:
			<-s.More()
			continue
		case b.Seq != last+1:
			t.Fatalf("%d after %d", b.Seq, last)
		}
		last = b.Seq
		if last > furthest && last%100 == 0 { // the backend is restarted
			r.Close()
			r, furthest, last = s.NewReader(), last, last-41
			continue
		}
		furthest = max(furthest, last)
		s.Ack(1, last-min(last, 40))
	}
	r.Close()
	all.Wait()
	s.Ack(1, total)
	if st := s.Stats(); st.Appended.Batches != total || st.Damaged+st.Torn+st.Failures != 0 {
		t.Errorf("%+v", st)
	}
}

// TestOpenAtOnce: of many that open a spool, each left log goes to one.
func TestOpenAtOnce(t *testing.T) {
	dir := tempDir(t)
	var list []*Spool
	for epoch := range uint64(20) {
		s := open(t, dir, epoch+1, Config{})
		add(t, s, 1, 1, 10)
		list = append(list, s)
	}
	for _, s := range list {
		closeSpool(t, s)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var got []string
	for i := range uint64(8) {
		all.Go(func() {
			s := open(t, dir, 100+i, Config{})
			text := rest(t, s.NewReader())
			for epoch := range uint64(20) {
				s.Ack(epoch+1, 1)
			}
			mu.Lock()
			got = append(got, strings.Fields(text)...)
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(got)
	if n := len(slices.Compact(slices.Clone(got))); len(got) != 20 || n != 20 {
		t.Error(got)
	}
	if names := ls(t, dir); len(names) != 1 {
		t.Error(names)
	}
}
