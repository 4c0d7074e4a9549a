//go:build unix

package disk

import "syscall"

const nonBlock = syscall.O_NONBLOCK
