//go:build !unix || aix || solaris || illumos

package backend

import "os"

// splitStdout leaves standard output alone where it cannot be split.
func splitStdout() *os.File { return os.Stdout }
