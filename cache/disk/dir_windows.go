package disk

import (
	"io/fs"
	"os"
)

const nonBlock = 0

// tryLock locks nothing: here the index file, which bbolt locks, cannot be
// removed while it is open, so that its lock is enough.
func tryLock(*os.File) (bool, error) { return true, nil }

func ownedByUs(fs.FileInfo) bool { return true }
