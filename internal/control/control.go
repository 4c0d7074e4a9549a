// Package control lets a command of the same user ask a running program to load its
// telemetry again: by a socket, in a directory that only that user can enter, whose
// name has the program's process id.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Answer is what became of a request.
type Answer struct {
	// Error says why nothing has changed. Defaults to none.
	Error string `json:"error,omitempty"`
	// Invalid says that the manifest has mistakes.
	Invalid bool `json:"invalid,omitempty"`
	// The backends that are new, that were replaced, that are gone, and that stay as
	// they are.
	Added    []string `json:"added"`
	Replaced []string `json:"replaced"`
	Removed  []string `json:"removed"`
	Same     []string `json:"same"`
	// Later are the settings that a program takes when it starts.
	Later []string `json:"later"`
}

const (
	request = "reload\n"
	// maxSocket is what a socket's path takes on every system.
	maxSocket = 100
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 1 << 20
	// patience is how long a caller may take to say what it wants, and to listen.
	patience = time.Second
	suffix   = ".sock"
)

// ErrNobody says that no such process listens.
var ErrNobody = errors.New("nobody listens")

// dirs returns where sockets may be, the best first.
func dirs() []string {
	user := fmt.Sprintf("spanloom-control-%d", os.Getuid())
	var list []string
	add := func(dir string) {
		if filepath.IsAbs(dir) && !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		add(filepath.Join(dir, "spanloom-control"))
	}
	add(filepath.Join(os.TempDir(), user))
	add(filepath.Join("/tmp", user))
	return list
}

// Listener answers requests, one after another.
type Listener struct {
	socket net.Listener
	done   sync.WaitGroup
	cancel context.CancelFunc
}

// Listen answers requests with what reload returns, until Close.
func Listen(reload func(ctx context.Context) Answer) (*Listener, error) {
	var failed []error
	for _, dir := range dirs() {
		socket, err := listen(dir)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &Listener{socket: socket, cancel: cancel}
		l.done.Go(func() { l.serve(ctx, reload) })
		return l, nil
	}
	return nil, fmt.Errorf("no place for a control socket: %w", errors.Join(failed...))
}

// listen makes a socket in a directory that is ours.
func listen(dir string) (net.Listener, error) {
	root, err := private.OpenDir(dir, private.NoReaders|private.NoWriters)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	sweep(root, dir)
	ctx := context.Background() // nothing here waits
	listen := func(path string) (net.Listener, error) { return new(net.ListenConfig).Listen(ctx, "unix", path) }
	for n := range 100 {
		name := fmt.Sprintf("%d-%d%s", os.Getpid(), n, suffix)
		path := filepath.Join(dir, name)
		if len(path) > maxSocket {
			return nil, fmt.Errorf("the path %s is too long for a socket", path)
		}
		l, err := listen(path)
		if err == nil {
			return l, nil
		}
		if conn, dialErr := dial(path); dialErr == nil {
			_ = conn.Close() // another of this process
			continue
		}
		_ = root.Remove(name) // of a process that had our id
		if l, err = listen(path); err == nil {
			return l, nil
		}
		return nil, err
	}
	return nil, errors.New("too many")
}

// dial looks whether somebody listens.
func dial(path string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience / 10}
	return d.DialContext(context.Background(), "unix", path)
}

// sweepAge keeps a socket safe until its owner listens.
const sweepAge = time.Minute

// sweep removes the sockets that killed processes have left.
func sweep(root *os.Root, dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode()&fs.ModeSocket == 0 || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		conn, err := dial(filepath.Join(dir, e.Name()))
		if err == nil {
			_ = conn.Close()
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			_ = root.Remove(e.Name())
		}
	}
}

func (l *Listener) serve(ctx context.Context, reload func(ctx context.Context) Answer) {
	for {
		conn, err := l.socket.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files
			select {
			case <-time.After(patience / 10):
			case <-ctx.Done():
			}
			continue
		}
		answer(ctx, conn, reload)
	}
}

func answer(ctx context.Context, conn net.Conn, reload func(ctx context.Context) Answer) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	asked := make([]byte, len(request))
	if _, err := io.ReadFull(conn, asked); err != nil || string(asked) != request {
		return
	}
	data, err := json.Marshal(reload(ctx))
	if err != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = conn.Write(append(data, '\n'))
}

// Close ends the listener.
func (l *Listener) Close() {
	l.cancel()
	_ = l.socket.Close() // which removes it
	l.done.Wait()
}

// Reload asks the process, and returns an answer for each telemetry that it has open.
// The error is [ErrNobody] when there is none.
func Reload(ctx context.Context, pid int) ([]Answer, error) {
	var list []Answer
	var bad []error // directories that another user may have made
	for _, dir := range dirs() {
		sockets, err := of(dir, pid)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for _, path := range sockets {
			a, err := ask(ctx, path)
			if errors.Is(err, ErrNobody) {
				continue
			}
			if err != nil {
				return list, err
			}
			list = append(list, a)
		}
	}
	switch {
	case len(list) > 0:
		return list, nil
	case len(bad) > 0:
		return nil, errors.Join(bad...)
	default:
		return nil, ErrNobody
	}
}

// of returns the sockets of a process in a directory, which must be ours.
func of(dir string, pid int) (list []string, err error) {
	root, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = private.CheckDir(root, private.NoReaders|private.NoWriters)
	}
	var entries []os.DirEntry
	if err == nil {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), strconv.Itoa(pid)+"-") && strings.HasSuffix(e.Name(), suffix) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list, nil
}

func ask(ctx context.Context, path string) (a Answer, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	if _, err := io.WriteString(conn, request); err != nil {
		return a, fmt.Errorf("ask for it: %w", err)
	}
	line, err := bufio.NewReader(io.LimitReader(conn, maxAnswer)).ReadBytes('\n')
	if ctx.Err() != nil {
		return a, fmt.Errorf("wait for the answer: %w", ctx.Err())
	}
	if err != nil {
		return a, fmt.Errorf("the program ended before it answered: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("the answer makes no sense: %w", err)
	}
	return a, nil
}
