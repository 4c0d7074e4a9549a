package metrics

import (
	"os"
	"strconv"
	"strings"
)

// residentBytes returns the physical memory that this process uses: the second
// field of statm, in pages (proc_pid_statm(5)).
func residentBytes() (int64, bool) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
