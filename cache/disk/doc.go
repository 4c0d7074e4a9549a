// Package disk is a [cache.Store] that keeps results in a directory, for the
// next run of the program.
//
//	store, err := disk.Open(filepath.Join(userCacheDir, "myprogram"), disk.Config{})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// # What is kept
//
// Each result is a file of its own, which says what it is: format, key, times,
// length, and a sum over all of that and the value. A file that is not exactly
// as it was written is removed and counted, and never returned.
//
// An index in the same directory holds sizes and times of use. It may be lost
// at any time: the next Open makes it anew from the files. That happens after
// every end without [Store.Close], too, and takes a second or more per hundred
// thousand entries.
//
// While the store is open, each entry takes about 200 bytes of memory.
//
// Nothing waits for the disk, so a power failure may cost the newest entries.
//
// # What is forgotten
//
// Above the size limit, what was used least recently goes first. The last use
// is known to ten minutes across runs, and exactly within one.
//
// # Who may read it
//
// Results may be confidential and are the input of later runs, so the directory
// must belong to our user, and nobody else may be able to write to it. What the
// store makes can be read by our user only. Links never lead it elsewhere.
//
// One process at a time has the directory open. A file system that is shared by
// machines is no place for it.
//
// # Stability
//
// Stable to use. The files may change with any version, and are made anew then.
package disk
