//go:build !unix || aix || solaris

package runs

import "os"

func checkOwner(string, os.FileInfo) error { return nil }
