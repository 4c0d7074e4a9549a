//go:build unix

package pluginhost

import "syscall"

// openFlags have a link refused, and a named pipe not waited for.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
