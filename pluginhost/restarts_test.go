//go:build linux

package pluginhost

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/testscale"
)

// taken is what this process holds.
type taken struct{ files, goroutines, children, dirs int }

func takenNow(t *testing.T) (n taken) {
	t.Helper()
	n.goroutines = runtime.NumGoroutine()
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		n.files = len(list)
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range tasks {
		data, _ := os.ReadFile(f)
		n.children += len(strings.Fields(string(data)))
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	n.dirs = len(dirs)
	return n
}

// processorTime is the time that this process and its children have used.
func processorTime(t *testing.T) (d time.Duration) {
	t.Helper()
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		d += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return d
}

// TestRestartsLeakNothing: what a backend took is free again, however often one ends.
func TestRestartsLeakNothing(t *testing.T) {
	s := spec(t, testConfig{})
	s.restartDelay = 100 * time.Microsecond
	h := start(t, s)
	emitted := 0
	kill := func(n uint64) {
		emitted += hooktest.Random(h, n)
		flush(t, h) // else a batch would be with five that end
		h.current().kill()
		await(t, 20*time.Second, "another", func() bool { return restarts(h) > n })
	}
	for n := range uint64(5) { // until what is made once is made
		kill(n)
	}
	ready(t, h)
	flush(t, h)
	before, used := takenNow(t), processorTime(t)
	count := uint64(testscale.N(40))
	for n := range count {
		kill(5 + n)
	}
	ready(t, h)
	flush(t, h)
	cpu := (processorTime(t) - used) / time.Duration(count)
	var after taken
	await(t, 20*time.Second, "freed", func() bool {
		after = takenNow(t)
		return after.files <= before.files+2 && after.goroutines <= before.goroutines+5 && after.children <= before.children && after.dirs <= before.dirs
	})
	t.Logf("%d restarts, %s of processors each: %+v, then %+v", count, cpu, before, after)
	if st := h.Stats(); st.Delivered != uint64(emitted) {
		t.Errorf("%d events: %s", emitted, st.Ledger())
	}
}

// restarts is how often the backend has ended.
func restarts(h *Host) (n uint64) {
	for _, one := range h.Stats().Restarts {
		n += one
	}
	return n
}
