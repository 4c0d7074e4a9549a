package spool

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test binary a process that appends until it is killed.
const childVariable = "SPANLOOM_TEST_SPOOL_CHILD"

// appendForever says on its standard output what it is about to acknowledge, and what
// Append has accepted.
func appendForever(dir string) error {
	epoch, _ := strconv.ParseUint(os.Getenv(childVariable), 10, 64)
	s, err := Open(dir, epoch, Config{})
	if err != nil {
		return err
	}
	s.segment = 64 << 10
	r := s.NewReader()
	for seq := uint64(1); ; {
		var list []Batch
		for range 1 + rand.IntN(20) {
			list = append(list, batch(epoch, seq, 20+int(seq*131%3000)))
			seq++
		}
		if _, err := s.Append(list...); err != nil {
			return err
		}
		fmt.Printf("+%d\n", seq-1)
		for range rand.IntN(25) {
			b, ok, err := r.Next()
			if err != nil {
				return err
			}
			if ok && b.Epoch == epoch {
				fmt.Printf("-%d\n", b.Seq)
				s.Ack(epoch, b.Seq)
			}
		}
	}
}

// TestKill kills a process that appends and acknowledges, time and again: everything
// that was accepted and not acknowledged is there, and true.
func TestKill(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	accepted, kept, again, torn := uint64(0), 0, 0, uint64(0)
	for kill := range uint64(kills) {
		cmd := exec.CommandContext(t.Context(), exe, dir)
		cmd.Env = append(os.Environ(), childVariable+"="+strconv.FormatUint(kill+1, 10))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var last, acked uint64
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			line := lines.Text()
			n, err := strconv.ParseUint(line[1:], 10, 64)
			if err != nil {
				t.Fatal(line)
			}
			if line[0] == '-' {
				acked = n
				continue
			}
			if last == 0 { // it is at work now
				time.AfterFunc(5*time.Millisecond+rand.N(30*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
			last = n
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatal("it ended by itself: ", err)
		}

		s := open(t, dir, 1<<32+kill, Config{})
		got := map[uint64]bool{}
		for r := s.NewReader(); ; {
			b, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			want := batch(kill+1, b.Seq, 20+int(b.Seq*131%3000))
			if b.Epoch != kill+1 || string(b.Data) != string(want.Data) || b.Events != want.Events || got[b.Seq] {
				t.Fatalf("%d/%d is %.20q", b.Epoch, b.Seq, b.Data)
			}
			got[b.Seq] = true
			if b.Seq <= acked {
				again++
			}
		}
		for seq := acked + 1; seq <= last; seq++ {
			if !got[seq] {
				t.Fatalf("kill %d: %d is lost: %d acknowledged, %d accepted, %+v", kill, seq, acked, last, s.Stats())
			}
			kept++
		}
		accepted += last
		torn += s.Stats().Torn
		for seq := range got {
			s.Ack(kill+1, seq)
		}
		closeSpool(t, s)
		if names := ls(t, dir); len(names) != 1 {
			t.Fatal(names)
		}
	}
	t.Logf("%d kills: %d batches accepted, %d not acknowledged and kept, %d again, %d segments torn", kills, accepted, kept, again, torn)
	if kept == 0 || again > kills {
		t.Error("this proves nothing, or too much comes again")
	}
}
