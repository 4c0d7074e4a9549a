package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// left makes a spool of a dead process with n batches in it, in two segments, and
// returns the names of those.
func left(t *testing.T, n, size uint64) (m *memory, segments []string) {
	t.Helper()
	m = newMemory()
	s := openMemory(t, m, 1)
	s.segment = int64(n * size / 2)
	for seq := uint64(1); seq <= n; seq++ {
		add(t, s, seq, seq, int(size-10+seq*7%20))
	}
	for _, g := range s.own.segments {
		segments = append(segments, g.name())
	}
	closeSpool(t, s)
	if len(segments) != 2 {
		t.Fatal(segments)
	}
	return m, segments
}

func openMemory(t *testing.T, m *memory, epoch uint64) *Spool {
	t.Helper()
	s, err := openIn(m, "mem", epoch, Config{MaxBytes: 1 << 20, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// survivors opens what is left and returns how many batches are there, and what was
// said of the rest. Everything must be gone once it is acknowledged.
func survivors(t *testing.T, m *memory, twice bool) (n int, st Stats) {
	t.Helper()
	s := openMemory(t, m, 2)
	r := s.NewReader()
	last := uint64(0)
	for {
		b, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if want := batch(1, b.Seq, len(b.Data)); !bytes.Equal(b.Data, want.Data) || b.Events != want.Events || b.Seq <= last {
			t.Fatalf("%d is %q", b.Seq, b.Data)
		}
		last = b.Seq
		n++
	}
	if twice {
		rest(t, s.NewReader()) // counts nothing again
	}
	st = s.Stats()
	s.Ack(1, last)
	closeSpool(t, s)
	if names, _ := m.list("."); len(names) != 1 {
		t.Fatal(names)
	}
	return n, st
}

// copyDir makes a directory with the files of another one.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "spool")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if err == nil && e.IsDir() {
			mode = 0o700
		}
		return errors.Join(err, os.Chmod(path, mode))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestFlips: a byte that is wrong, at any place, costs the batch it is in, is
// counted, and stops nothing.
func TestFlips(t *testing.T) {
	total, size := uint64(64), uint64(1000)
	if raced || testing.Short() {
		total, size = 8, 100
	}
	m, segments := left(t, total, size)
	flips := 0
	for _, name := range segments {
		for at := range m.find(name).data {
			bad := m.after(leaveAll, 0)
			bad.find(name).data = bytes.Clone(bad.find(name).data)
			bad.find(name).data[at] ^= 1 << (at % 8)
			n, st := survivors(t, bad, at%64 < 2)
			if n != int(total)-1 || st.Damaged+st.Torn != 1 {
				t.Fatalf("%s, byte %d: %d batches, %+v", name, at, n, st)
			}
			flips++
		}
	}
	t.Log(flips, "flips")
}

// TestTruncations: a file that ends at any place costs what stood behind it.
func TestTruncations(t *testing.T) {
	total, size := uint64(64), uint64(1000)
	if raced || testing.Short() {
		total, size = 8, 100
	}
	m, segments := left(t, total, size)
	for i, name := range segments {
		other := len(frames(m.find(segments[1-i]).data))
		data := m.find(name).data
		for end := range len(data) + 1 {
			bad := m.after(leaveAll, 0)
			bad.find(name).data = data[:end]
			want, torn := other, uint64(1)
			for _, at := range append(frames(data), 0) {
				if at > 0 && at <= end {
					want++
				}
				if at == end {
					torn = 0
				}
			}
			if n, st := survivors(t, bad, end%64 < 2); n != want || st.Damaged != 0 || st.Torn != torn {
				t.Fatalf("%s, %d bytes: %d batches, want %d; %+v", name, end, n, want, st)
			}
		}
	}
}

// frames returns where the frames in a segment end.
func frames(data []byte) (ends []int) {
	for at := int64(0); ; {
		f, err := find(bytes.NewReader(data), seedOf(1), at, int64(len(data)))
		if err != nil {
			return ends
		}
		at = f.end()
		ends = append(ends, int(at))
	}
}

// TestDamagedNotes: the file of acknowledgements may hold anything.
func TestDamagedNotes(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir, 1, Config{})
	add(t, s, 1, 5, 100)
	s.Ack(1, 3)
	closeSpool(t, s)
	names, _ := filepath.Glob(filepath.Join(dir, "v1-*", ackedName))
	good, err := os.ReadFile(names[0])
	if err != nil || len(good) != ackSize {
		t.Fatal(good, err)
	}
	check := func(text []byte, want string) {
		t.Helper()
		to := copyDir(t, dir)
		name, _ := filepath.Rel(dir, names[0])
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, to, 2, Config{})
		wantRest(t, s.NewReader(), want)
		s.Ack(1, 4)
		closeSpool(t, s)
		s = open(t, to, 2, Config{})
		wantRest(t, s.NewReader(), "1:5-5")
		closeSpool(t, s)
	}
	check(good, "1:4-5")
	check(append(bytes.Clone(good), "more"...), "1:4-5")
	for i := range good {
		check(good[:i], "1:1-5")
		bad := bytes.Clone(good)
		bad[i]++
		check(bad, "1:1-5")
	}
}

// TestUnreadable: what the disk cannot read is damage, be it a head, behind which
// nothing of the segment is found, or data.
func TestUnreadable(t *testing.T) {
	for at, want := range map[int]string{0: "1:3-4", 1: "1:2-4", 2: "1:1-1 1:3-4", 3: "1:1-1 1:3-4"} {
		m := newMemory()
		s := openMemory(t, m, 1)
		s.segment = 200
		add(t, s, 1, 2, 100) // a segment
		add(t, s, 3, 4, 100)
		m.at, m.fault = len(m.calls)+1+at, fault{read: syscall.EIO}
		wantRest(t, s.NewReader(), want)
		if st := s.Stats(); st.Damaged != 1 {
			t.Errorf("%d: %+v", at, st)
		}
		s.Ack(1, 4)
		closeSpool(t, s)
	}
	m, segments := left(t, 8, 100)
	m.at, m.fault = len(m.calls)+5, fault{read: syscall.EIO} // the second head of the second segment, which is looked at first
	s := openMemory(t, m, 2)
	m.at = -1
	wantRest(t, s.NewReader(), "1:1-5")
	if st := s.Stats(); st.Torn != 1 || st.Damaged != 0 || len(segments) != 2 {
		t.Errorf("%+v\n%q", st, m.calls)
	}
}

// TestLiveDamage: damage in what this process has written costs no more.
func TestLiveDamage(t *testing.T) {
	dir := tempDir(t)
	s := open(t, dir, 1, Config{})
	add(t, s, 1, 9, 100)
	names, _ := filepath.Glob(filepath.Join(dir, "v1-*", "*.seg"))
	f, err := os.OpenFile(names[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteAt([]byte("?"), 2*(100+headSize)+50) // the data of 3
	_, _ = f.WriteAt([]byte("?"), 5*(100+headSize)+5)  // the head of 6
	_, _ = f.WriteAt([]byte("?"), 8*(100+headSize)+50) // the data of 9
	_ = f.Close()
	for range 2 {
		wantRest(t, s.NewReader(), "1:1-2 1:4-5 1:7-8")
		if st := s.Stats(); st.Damaged != 3 {
			t.Errorf("%+v", st)
		}
	}
	add(t, s, 10, 10, 100)
	s.finishAll()
	add(t, s, 11, 11, 100)
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	wantRest(t, s.NewReader(), "1:11-11")
	if st := s.Stats(); st.Damaged != 4 {
		t.Errorf("%+v", st)
	}
	s.Ack(1, 11)
}

// finishAll ends the segment that is written to.
func (s *Spool) finishAll() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.finish()
}

// FuzzSegment reads anything as a segment: what is found is intact, in order, and
// ends; and of frames that stand in it nothing but what overlaps damage is missed.
func FuzzSegment(f *testing.F) {
	good := appendFrames(nil, 1, 5)
	f.Add(good, 0, []byte{})
	f.Add(good, 40, []byte{0})
	f.Add(good, headSize+3, []byte(marker))
	f.Add(bytes.Repeat([]byte(marker), 50), 7, []byte("x"))
	f.Add([]byte{}, 0, make([]byte, 100))
	f.Fuzz(func(t *testing.T, data []byte, at int, patch []byte) {
		if len(data) > 1<<16 || len(patch) > 1<<12 {
			return
		}
		if at >= 0 && at <= len(data) {
			data = append(append(bytes.Clone(data[:at]), patch...), data[min(at+len(patch), len(data)):]...)
		}
		// A good frame behind anything is found.
		data = appendFrames(data, 7, 7)
		r, end := bytes.NewReader(data), int64(len(data))
		last := frame{}
		for pos := int64(0); ; {
			h, err := find(r, seedOf(1), pos, end)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || h.at < pos || h.end() > end {
				t.Fatalf("%+v at %d: %v", h, pos, err)
			}
			if _, ok := parseHead(seedOf(1), data[h.at:], h.at); !ok {
				t.Fatalf("%+v is no frame", h)
			}
			pos, last = h.end(), h
		}
		if tail := end - sizeOf(batch(1, 7, 50)); last.end() > tail && last.at != tail {
			return // an intact head with a length that reaches into the tail
		}
		if last.seq != 7 {
			t.Errorf("the last frame is %+v of %d", last, end)
		}
	})
}

func appendFrames(data []byte, from, to uint64) []byte {
	for seq := from; seq <= to; seq++ {
		b := batch(1, seq, 50)
		data = append(appendHead(data, seedOf(1), b), b.Data...)
	}
	return data
}

// TestSearch finds a frame wherever it stands, over the borders of what is read at
// once too.
func TestSearch(t *testing.T) {
	frame := appendFrames(nil, 7, 7)
	for _, before := range []int{0, 1, 4, 27, 28, 29, 64<<10 - 29, 64<<10 - 28, 64<<10 - 27, 64 << 10, 64<<10 + 1, 200_000} {
		for name, junk := range map[string]byte{"zeros": 0, "markers": marker[0]} {
			data := append(bytes.Repeat([]byte{junk}, before), frame...)
			h, err := find(bytes.NewReader(data), seedOf(1), 0, int64(len(data)))
			if err != nil || h.at != int64(before) || h.seq != 7 {
				t.Error(before, name, h, err)
			}
			if _, err := find(bytes.NewReader(data), seedOf(2), 0, int64(len(data))); !errors.Is(err, io.EOF) {
				t.Error("a frame of another epoch:", err)
			}
			if _, err := find(bytes.NewReader(data), seedOf(1), 0, int64(len(data)-1)); !errors.Is(err, io.EOF) {
				t.Error("a frame that is cut:", err)
			}
		}
	}
}
