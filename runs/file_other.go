//go:build !unix || aix || solaris

package runs

import "os"

func checkOwner(string, os.FileInfo) error { return nil }

// trusted knows of no owners here.
func trusted(os.FileInfo) bool { return true }
