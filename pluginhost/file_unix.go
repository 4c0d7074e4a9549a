//go:build unix

package pluginhost

import (
	"os"
	"syscall"
)

// ownedByRoot reports whether a file is the property of root.
func ownedByRoot(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0
}
