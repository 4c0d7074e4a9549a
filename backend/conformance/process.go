package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/wire"
)

const (
	// pipeGrace is how long the pipes of a process that has ended are read.
	pipeGrace = 200 * time.Millisecond
	// keep is how much of an output is kept.
	keep = 64 << 10
)

// process is a backend's process, started as hosts do it.
type process struct {
	cmd *exec.Cmd
	// outlived says that the process is the parent of the backend: what it has started
	// goes on when it has ended.
	outlived bool
	late     time.Duration // for a handshake
	dir      string
	cert     *identity
	// line is closed when the first line of standard output is there, or there will
	// be none.
	line  chan struct{}
	first string
	rest  *output // of standard output
	errs  *output
	done  chan struct{} // closed when the process has ended
	began time.Time     // just before it was started
	pipes []*os.File
	once  sync.Once
}

// output keeps the beginning of a stream.
type output struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.data = append(o.data, p[:min(len(p), keep-len(o.data))]...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.data)
}

// environment is what a host tells a backend, with these protocol versions.
func environment(dir, versions, cert string) []string {
	env := []string{
		wire.CookieKey + "=" + wire.CookieValue,
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000",
		"PLUGIN_PROTOCOL_VERSIONS=" + versions,
		"PLUGIN_CLIENT_CERT=" + cert,
		"PLUGIN_UNIX_SOCKET_DIR=" + dir,
		wire.HostVariable + "=" + strconv.Itoa(os.Getpid()),
	}
	for _, name := range []string{"TZ", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// spawn starts the backend's process, which sees the target's environment and the one
// that host returns, given the directory for its socket.
func (t *Target) spawn(host func(dir string) []string) (*process, error) {
	path, err := filepath.Abs(t.Command[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Command[0], err)
	}
	dir, err := os.MkdirTemp("", "spanloom-verify-")
	if err != nil {
		return nil, fmt.Errorf("a directory for the socket: %w", err)
	}
	p := &process{dir: dir, outlived: t.parent, late: t.limit().start, line: make(chan struct{}), done: make(chan struct{}), rest: &output{}, errs: &output{}}
	p.cmd = &exec.Cmd{Path: path, Args: t.Command, Dir: dir, Env: append(host(dir), t.Env...)}
	isolate(p.cmd)
	if err := p.start(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("%s cannot be run: %w", t.Command[0], err)
	}
	return p, nil
}

func (p *process) start() error {
	out, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	errs, errsW, err := os.Pipe()
	if err != nil {
		_, _ = out.Close(), outW.Close()
		return err
	}
	p.pipes = []*os.File{out, errs}
	p.cmd.Stdout, p.cmd.Stderr = outW, errsW
	p.began = time.Now()
	err = p.cmd.Start()
	_, _ = outW.Close(), errsW.Close()
	if err != nil {
		p.closePipes()
		return err
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		r := bufio.NewReaderSize(out, keep)
		line, _ := r.ReadSlice('\n') // what is longer is no handshake
		p.first = string(line)
		close(p.line)
		_, _ = io.Copy(p.rest, r)
	})
	readers.Go(func() { _, _ = io.Copy(p.errs, errs) })
	go func() {
		_ = p.cmd.Wait()
		if !p.outlived {
			killGroup(p.cmd.Process)
		}
		for _, f := range p.pipes { // what it has left behind may hold the other ends
			_ = f.SetReadDeadline(time.Now().Add(pipeGrace))
		}
		readers.Wait()
		close(p.done)
	}()
	return nil
}

func (p *process) closePipes() {
	for _, f := range p.pipes {
		_ = f.Close()
	}
}

// kill ends the process at once and waits for its end.
func (p *process) kill() {
	p.once.Do(func() {
		select {
		case <-p.done:
		default:
			killGroup(p.cmd.Process)
			<-p.done
		}
		if p.outlived {
			killGroup(p.cmd.Process)
		}
		p.closePipes()
		_ = os.RemoveAll(p.dir)
	})
}

// ended waits for the end of the process, and reports whether it came in time.
func (p *process) ended(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// firstLine returns the first line of standard output, without its end; it is empty
// when there is none before the process ends or the time is over.
func (p *process) firstLine(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.late)
	defer cancel()
	select {
	case <-p.line:
		if p.first == "" && p.ended(ctx, p.late) {
			return "", fmt.Errorf("the process ended before its handshake (%s)%s", p.cmd.ProcessState, p.wrote())
		}
		return strings.TrimSuffix(p.first, "\n"), nil
	case <-ctx.Done():
		return "", fmt.Errorf("no handshake within %s%s", p.late, p.wrote())
	}
}

// wrote says what the process wrote to standard error last.
func (p *process) wrote() string {
	lines := bytes.Split(bytes.TrimSpace([]byte(p.errs.String())), []byte("\n"))
	last := string(lines[len(lines)-1])
	if last == "" {
		return ""
	}
	return fmt.Sprintf("; its last line on standard error: %q", short(last))
}

// short cuts a text that is shown.
func short(s string) string {
	const limit = 300
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// handshake is a line as go-plugin writes it: the version of go-plugin's own
// protocol, that of the backend's, the network, the address, the kind of protocol and
// the certificate.
type handshake struct {
	version, network, address, cert string
}

const fields = 6

func parse(line string) (h handshake, err error) {
	f := strings.Split(line, "|")
	switch {
	case len(f) < fields:
		return h, fmt.Errorf("the first line on standard output is %q; want six fields between |: 1|1|unix|PATH|grpc|CERTIFICATE", short(line))
	case f[0] != "1":
		return h, fmt.Errorf("the first field of the handshake is %q, want 1", short(f[0]))
	case f[4] != "grpc":
		return h, fmt.Errorf("the fifth field of the handshake is %q, want grpc", short(f[4]))
	case f[5] == "":
		return h, errors.New("the handshake has no certificate; without one nothing keeps others out")
	}
	return handshake{version: f[1], network: f[2], address: f[3], cert: f[5]}, nil
}
