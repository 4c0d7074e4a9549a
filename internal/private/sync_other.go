//go:build !linux

package private

import "os"

// Sync returns when the disk has what was written to f, and its length.
func Sync(f *os.File) error { return f.Sync() }
