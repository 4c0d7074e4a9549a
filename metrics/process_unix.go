//go:build unix

package metrics

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTimes returns the CPU time of this process, in user code and in the
// kernel.
func processTimes() (user, system time.Duration, ok bool) {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0, 0, false
	}
	return time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano()), true
}
