package disk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/spanloom/spanloom/cache"
)

const killKeys = 100

// killValue is one of the values of a key, each of which tells the next byte.
func killValue(i int, first byte) []byte {
	b := bytes.Repeat([]byte{first}, 1+i*400)
	for j := range b {
		b[j] += byte(j + i)
	}
	return b
}

// writeForever opens, writes, reads and closes a store in a circle, and says so
// on its standard output, a byte for each step.
func writeForever() {
	for ctx := context.Background(); ; {
		s, err := Open(".", Config{MaxBytes: killKeys * 2 * 4096})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for range 150 {
			i := rand.IntN(killKeys)
			e := cache.Entry{Value: killValue(i, byte(rand.Uint32())), Cost: time.Duration(i), Created: time.Now()}
			if err := s.Put(ctx, key(i), e); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if i < 5 {
				s.save(1)
			}
			fmt.Print(".")
		}
		if err := s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func TestKilledWhileWriting(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, hits := t.TempDir(), 0
	for range 20 {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), writerVariable+"=1")
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		steps, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, err = io.CopyN(io.Discard, steps, 1+rand.Int64N(400))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			t.Fatalf("the writer ended by itself: %v\n%s", err, stderr.String())
		}
		hits += checkKilled(t, dir)
	}
	if hits == 0 {
		t.Error("nothing was ever found")
	}
	t.Log(hits, "hits")
}

// checkKilled opens what a killed process has left and returns how many entries
// it finds.
func checkKilled(t *testing.T, dir string) (hits int) {
	t.Helper()
	s, err := Open(dir, Config{MaxBytes: killKeys * 2 * 4096})
	if err != nil {
		t.Fatal(err)
	}
	for i := range killKeys {
		e, ok, err := s.Get(t.Context(), key(i))
		if err != nil {
			t.Error(err)
		}
		if !ok {
			continue
		}
		hits++
		if len(e.Value) == 0 || !bytes.Equal(e.Value, killValue(i, e.Value[0]-byte(i))) || e.Cost != time.Duration(i) {
			t.Errorf("key %d has a wrong value", i)
		}
	}
	if st := s.Stats(); st.Entries != hits || st.Corrupt != 0 || st.Bytes > killKeys*2*4096 || hits != len(blobs(t, dir)) {
		t.Errorf("%d hits, %d files: %+v", hits, len(blobs(t, dir)), st)
	}
	if temps, _ := os.ReadDir(dir + "/" + tempName); len(temps) > 0 {
		t.Errorf("temporary files are left: %v", temps)
	}
	closeStore(t, s)
	return hits
}
