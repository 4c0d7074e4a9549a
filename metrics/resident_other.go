//go:build !linux

package metrics

// residentBytes is not known: what the system tells easily is the peak.
func residentBytes() (int64, bool) { return 0, false }
