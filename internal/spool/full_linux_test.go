package spool

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk: on a disk that is full batches are refused, none is torn, and a
// second after there is space again they are accepted.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		if !errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
		t.Skip("a small disk needs root: ", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	s := open(t, filepath.Join(dir, "spool"), 1, Config{})
	defer func() { _ = s.Close() }()
	r := s.NewReader()
	defer r.Close()
	var kept, refused uint64
	for seq := uint64(1); seq < 30; seq++ {
		n, err := s.Append(batch(1, kept+1, 4000))
		kept += uint64(n)
		if err != nil {
			refused++
			if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
		}
	}
	if st := s.Stats(); kept < 8 || refused < 5 || st.Appended.Batches != kept || st.Refused.Batches != refused || st.Failures != 2 {
		t.Errorf("%d kept, %d refused: %+v", kept, refused, st)
	}
	for n := range kept {
		if b, ok, err := r.Next(); !ok || err != nil || b.Seq != n+1 {
			t.Fatal(b.Seq, ok, err)
		}
	}
	s.Ack(1, kept) // makes space
	began := time.Now()
	for n := 0; n == 0; time.Sleep(10 * time.Millisecond) {
		n, _ = s.Append(batch(1, kept+1, 4000))
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("accepted after %s", d)
	}
	if st := s.Stats(); st.Damaged+st.Torn != 0 {
		t.Errorf("%+v", st)
	}
}

// TestFileLimit: where files may not grow any more, others are begun. The limit is for
// a whole process, so it is one of its own.
func TestFileLimit(t *testing.T) {
	const marker = "SPANLOOM_TEST_SPOOL_LIMIT"
	if dir := os.Getenv(marker); dir != "" {
		limit := syscall.Rlimit{Cur: 50_000, Max: 50_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, 1, Config{})
		for seq := uint64(1); seq <= 50; seq++ {
			add(t, s, seq, seq, 4000)
		}
		if n, err := s.Append(batch(1, 51, 60_000)); n != 0 || !errors.Is(err, ErrFull) || !errors.Is(err, syscall.EFBIG) {
			t.Error(n, err)
		}
		return
	}
	dir := tempDir(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestFileLimit$")
	cmd.Env = append(os.Environ(), marker+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := open(t, dir, 2, Config{})
	wantRest(t, s.NewReader(), "1:1-50")
	if st := s.Stats(); st.Damaged+st.Torn != 0 {
		t.Errorf("%+v", st)
	}
}
