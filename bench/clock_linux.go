package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// canCount says whether processor time can be counted.
const canCount = true

// threadTime is the processor time that the calling thread has had.
func threadTime() (time.Duration, error) { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// processTime is the processor time that all threads of a process have had,
// those that have ended too. The clock of a process is numbered as in
// clock_getcpuclockid(3): the complement of its id, and in the lower three bits 2,
// the scheduler's own count, which is exact to the nanosecond.
func processTime(pid int) (time.Duration, error) {
	const scheduled = 2
	return clock(int32(^pid<<3 | scheduled))
}

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0, fmt.Errorf("clock %d: %w", id, err)
	}
	return time.Duration(t.Nano()), nil
}

// children returns the ids of the processes that this one has started and that
// have not ended.
func children() ([]int, error) {
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // the thread has ended
		}
		if err != nil {
			return nil, err
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil, err
			}
			list = append(list, pid)
		}
	}
	return list, nil
}

// pause stops a process, until resume lets it go on.
func pause(pid int) error { return unix.Kill(pid, unix.SIGSTOP) }

func resume(pid int) error { return unix.Kill(pid, unix.SIGCONT) }

// forgetPeaks has [peak] tell of what comes from now on.
func forgetPeaks(pids ...int) error {
	for _, pid := range pids {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
			return err
		}
	}
	return nil
}

// peak is the most memory of a process that was resident, in MiB.
func peak(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib float64
	_, err = fmt.Sscan(rest, &kib)
	return kib / 1024, err
}
