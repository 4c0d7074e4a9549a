package metrics

import (
	"time"

	"golang.org/x/sys/windows"
)

// processTimes returns the CPU time of this process, in user code and in the
// kernel.
func processTimes() (user, system time.Duration, ok bool) {
	var created, exited, kernel, used windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &used) != nil {
		return 0, 0, false
	}
	return elapsed(used), elapsed(kernel), true
}

// elapsed returns a Filetime that is a span of time, in units of 100 ns.
func elapsed(f windows.Filetime) time.Duration {
	return time.Duration(uint64(f.HighDateTime)<<32|uint64(f.LowDateTime)) * 100
}
