//go:build !unix

package conformance

import (
	"os"
	"os/exec"
)

// isolate does nothing: there are no such groups here.
func isolate(*exec.Cmd) {}

// killGroup kills the process.
func killGroup(p *os.Process) { _ = p.Kill() }

// interrupt does nothing: there are no such signals here.
func interrupt(*os.Process) error { return skip("there are no interrupts here") }

// gone is not known here.
func gone(int) bool { return false }
