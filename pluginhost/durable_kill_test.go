//go:build unix

package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/testscale"
)

// writerSpec is of a backend in a process of its own, which writes to a file, with a
// spool beside that.
func writerSpec(dir string) Spec {
	data, err := json.Marshal(testConfig{File: filepath.Join(dir, "events"), DelayU: 500})
	if err != nil {
		panic(err)
	}
	return Spec{
		Name: "writer", Launch: Self(testBackend("recorder")), Config: data, restartDelay: time.Millisecond,
		Durable: &Durable{Dir: filepath.Join(dir, "spool")},
	}
}

// someKills is how often to kill: a race detector makes each take long.
func someKills() int {
	if testing.Short() || raced {
		return testscale.N(10)
	}
	return testscale.N(20)
}

// durableMain is a program that says on its standard output how many nodes it has
// emitted that are on the disk, until it is killed.
func durableMain() {
	h := Start(writerSpec(os.Args[2]))
	for i := 0; ; {
		run := hooktest.Start(h, hooktest.Config("daily"))
		for range 1 + rand.IntN(100) {
			run.Node(fmt.Sprintf("k%s-%d", os.Args[3], i)).OK(0)
			i++
		}
		run.OK(0)
		h.store(context.Background())
		if lost := h.Stats().Lost(); lost > 0 {
			panic(lost)
		}
		fmt.Println(i)
	}
}

// exported returns how often each node is in the file of a writer.
func exported(t *testing.T, dir string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "events"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(data)) {
		if _, rest, ok := strings.Cut(line, "daily/k"); ok && strings.HasPrefix(line, "OnNodeEnd") {
			name, _, _ := strings.Cut(rest, " ")
			got[name]++
		}
	}
	return got
}

// missingOf compares it with what was accepted.
func missingOf(got map[string]int, accepted []int) (want, missing, again int) {
	for kill, n := range accepted {
		for i := range n {
			k := got[fmt.Sprintf("%d-%d", kill, i)]
			want++
			if k == 0 {
				missing++
			}
			again += max(k-1, 0)
		}
	}
	return want, missing, again
}

// TestAKilledProgramLosesNothing that was on the disk, be it killed ever so often, with
// the backend that dies with it.
func TestAKilledProgramLosesNothing(t *testing.T) {
	kills := someKills()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	defer sweep(os.TempDir(), 0)
	var accepted []int
	for kill := range kills {
		cmd := exec.CommandContext(t.Context(), exe, "durable", dir, strconv.Itoa(kill))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if last == 0 { // it is at work now
				time.AfterFunc(5*time.Millisecond+rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatal("it ended by itself: ", err)
		}
		accepted = append(accepted, last)
	}
	h := start(t, writerSpec(dir))
	replayed(t, h)
	sp := h.Stats().Spool
	want, missing, again := missingOf(exported(t, dir), accepted)
	if missing > 0 || sp.Failed > 0 || sp.Damaged > 0 || want == 0 {
		t.Errorf("%d of %d are lost: %+v", missing, want, sp)
	}
	t.Logf("%d kills, %d nodes accepted, %d events left for the last start, %d nodes came again", kills, want, sp.Adopted, again)
	shutdown(t, h, time.Second)
	unused(t, filepath.Join(dir, "spool"))
}

// TestKilledBackendsLoseNothing that was on the disk.
func TestKilledBackendsLoseNothing(t *testing.T) {
	kills := someKills()
	dir := t.TempDir()
	h := start(t, writerSpec(dir))
	n := 0
	underKills(t, h, kills, func() {
		run := hooktest.Start(h, hooktest.Config("daily"))
		for range 20 {
			run.Node(fmt.Sprintf("k0-%d", n)).OK(0)
			n++
		}
		run.OK(0)
	}, func() { exact(t, h) })
	flush(t, h)
	st := h.Stats()
	want, missing, again := missingOf(exported(t, dir), []int{n})
	if missing > 0 || st.Delivered != st.Emitted || st.Kept > 0 {
		t.Errorf("%d of %d nodes are lost: %+v", missing, want, st)
	}
	t.Logf("%d kills, %d nodes, %d came again", kills, want, again)
}
