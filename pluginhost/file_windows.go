package pluginhost

import "os"

// tryLock locks nothing: run directories hold no sockets here, and are not swept.
func tryLock(*os.File) bool { return true }

func ownedByUs(os.FileInfo) bool { return true }

func ownedByRoot(os.FileInfo) bool { return true }
