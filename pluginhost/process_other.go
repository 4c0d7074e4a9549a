//go:build !linux

package pluginhost

import "os/exec"

// waitExit returns when the process has ended. It cannot wait without reaping
// here, so that what the process left behind is killed a moment late.
func waitExit(cmd *exec.Cmd) { _ = cmd.Wait() }

// limit bounds nothing here: there is no way to do it for another process.
func limit(int) {}
