package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	startTries   = 3 // a port that was free may be taken before the server listens

	// PollInterval is the time between two looks at a server.
	PollInterval = 25 * time.Millisecond
)

// Command is how a server is started.
type Command struct {
	// Name is how people call it.
	Name string
	Path string
	Args []string
	// Env is added to the environment of the test.
	Env []string
	// Ready is a URL that answers 200 when the server is ready.
	Ready string
}

// Process is a server that runs. Its methods are safe for concurrent use.
type Process struct {
	command Command
	output  buffer
	cmd     *exec.Cmd
	guard   *exec.Cmd     // ends cmd when this test process dies
	exited  chan struct{} // closed when cmd has ended
}

// Start runs a server of the test's own, ready to work, and stops it when the test
// ends. It calls prepare, which makes the command with that many free ports, again
// when one of them was taken by somebody else.
func Start(t testing.TB, ports int, prepare func(free []int) (Command, error)) *Process {
	t.Helper()
	var failures []error
	for range startTries {
		free, err := freePorts(ports)
		if err != nil {
			t.Fatal(err)
		}
		c, err := prepare(free)
		if err != nil {
			t.Fatal(err)
		}
		p, err := start(t, c)
		if err == nil {
			t.Cleanup(func() { p.stop(t) })
			return p
		}
		failures = append(failures, err)
	}
	t.Fatalf("start a server: %v", errors.Join(failures...))
	return nil
}

// Missing ends a test whose server cannot be had: it fails when
// SPANLOOM_REQUIRE_SERVERS=1, and is skipped otherwise.
func Missing(t testing.TB, message string) {
	t.Helper()
	if os.Getenv("SPANLOOM_REQUIRE_SERVERS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func start(t testing.TB, c Command) (*Process, error) {
	t.Helper()
	p := &Process{command: c, cmd: exec.Command(c.Path, c.Args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var err error
	if p.guard, err = startGuard(p.cmd.Process.Pid); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // why it ended is in its output
	}()
	if err := p.waitReady(t.Context()); err != nil {
		p.stop(t)
		return nil, fmt.Errorf("%s: %w\n%s", c.Name, err, p.Output())
	}
	return p, nil
}

// startGuard starts a shell that ends a process when its standard input is
// closed, which the kernel does when this process ends in any way: a test that
// runs into its timeout runs no cleanup.
func startGuard(pid int) (*exec.Cmd, error) {
	guard := exec.Command("/bin/sh", "-c", `read -r _; kill "$0"`, strconv.Itoa(pid))
	if _, err := guard.StdinPipe(); err != nil {
		return nil, err
	}
	return guard, guard.Start()
}

func (p *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if status, _, err := Get(ctx, p.command.Ready); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("it ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v", startTimeout)
		case <-time.After(PollInterval):
		}
	}
}

// stop ends this process and no other, and waits until it is gone.
func (p *Process) stop(t testing.TB) {
	t.Helper()
	_ = p.guard.Process.Kill() // first: the process id may be another's soon
	_ = p.guard.Wait()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
	select {
	case <-p.exited:
		return
	case <-time.After(stopTimeout):
		t.Errorf("%s did not stop within %v", p.command.Name, stopTimeout)
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Output returns what the server has printed so far.
func (p *Process) Output() string { return p.output.String() }

// Get fetches a page of at most 64 MiB. Its connection is not kept.
func Get(ctx context.Context, url string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return res.StatusCode, body, err
}

// client is not the default one, which is the test's to change.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// buffer is a bytes.Buffer for one writer and any readers.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
