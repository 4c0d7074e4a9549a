package pluginhost

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
)

// process is a backend process. It implements go-plugin's runner.Runner, in
// order to say what go-plugin's own does not let one say: no standard input, a
// process group, a working directory, pipes that end when the process does.
type process struct {
	cmd    *exec.Cmd
	stdout *handshakeReader
	out    *os.File
	errs   *endReader

	mu      sync.Mutex
	started bool
	killed  bool
	gone    bool
	text    string // how it ended
	done    chan struct{}
}

// pipeGrace is how long the pipes of a dead process are read: a process that
// it left behind may hold them open.
const pipeGrace = 200 * time.Millisecond

// Start implements runner.Runner.
func (p *process) Start(context.Context) error {
	out, outW, err := os.Pipe()
	if err != nil {
		return err //nolint:wrapcheck // translated by the launcher
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		_ = out.Close()
		_ = outW.Close()
		return err //nolint:wrapcheck // translated by the launcher
	}
	p.cmd.Stdout, p.cmd.Stderr = outW, errsW
	isolate(p.cmd)
	p.mu.Lock()
	if err = context.Canceled; !p.killed {
		err = startAlone(p.cmd)
	}
	if p.started = err == nil; p.started {
		limit(p.cmd.Process.Pid)
	}
	p.mu.Unlock()
	_ = outW.Close()
	_ = errsW.Close()
	if err != nil {
		_ = out.Close()
		_ = errs.Close()
		return err //nolint:wrapcheck // translated by the launcher
	}
	p.out, p.errs = out, &endReader{File: errs, ended: make(chan struct{})}
	p.stdout = &handshakeReader{r: out}
	go p.reap()
	return nil
}

// reap waits for the end of the process, and ends what it left behind.
func (p *process) reap() {
	waitExit(p.cmd) // where it can, leaves the pid in use, so that the group is still its own
	p.mu.Lock()
	killGroup(p.cmd.Process)
	_ = p.cmd.Wait()
	p.gone = true
	p.text = p.cmd.ProcessState.String()
	p.mu.Unlock()
	close(p.done)
	deadline := time.Now().Add(pipeGrace)
	_ = p.out.SetReadDeadline(deadline)
	_ = p.errs.SetReadDeadline(deadline)
}

// Wait implements runner.Runner.
func (p *process) Wait(context.Context) error {
	<-p.done
	_ = p.out.Close()
	_ = p.errs.Close()
	return nil
}

// Kill implements runner.Runner: it ends the process and all of its group, or
// keeps it from starting.
func (p *process) Kill(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.started && !p.gone {
		killGroup(p.cmd.Process)
	}
	return nil
}

// status says how the process ended.
func (p *process) status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text
}

// Stdout implements runner.Runner.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr implements runner.Runner.
func (p *process) Stderr() io.ReadCloser { return p.errs }

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.Runner.
func (p *process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose implements runner.Runner. The launcher knows better.
func (*process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner.
//
// The directory of a backend's socket keeps everybody else out; a port would
// not, and might be anybody's.
func (*process) PluginToHost(network, addr string) (string, string, error) {
	if network != "unix" && runtime.GOOS != "windows" {
		return "", "", &StartError{
			Problem: ForeignAddress, Detail: fmt.Sprintf("its handshake names the address %s %s and not a Unix socket", network, addr),
			Fix: "let it listen in the directory that " + plugin.EnvUnixSocketDir + " names",
		}
	}
	return network, addr, nil
}

// HostToPlugin implements runner.Runner.
func (*process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
