package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// noPlugin stands for the service in go-plugin's tables: the host makes its
// own client.
type noPlugin struct {
	plugin.NetRPCUnsupportedPlugin
}

func (noPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (noPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not used")
}

// startProcess starts a backend process and connects to it.
// prepare makes what it runs, given its run directory. The end of ctx ends the start.
func startProcess(ctx context.Context, spec *Spec, prepare func(dir string) (*image, error), env []string) (*session, error) {
	dir, err := newRunDir()
	if err != nil {
		return nil, err
	}
	im, err := prepare(dir.path)
	if err != nil {
		dir.remove()
		return nil, err
	}
	defer im.close()
	said := &tail{redact: spec.Redact, told: spec.logLine}
	p := &process{done: make(chan struct{})}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{wire.ProtocolVersion: {wire.PluginName: noPlugin{}}},
		RunnerFunc: func(_ hclog.Logger, spare *exec.Cmd, _ string) (runner.Runner, error) {
			// Without Stdin the process reads from the null device.
			p.cmd = &exec.Cmd{
				Path: im.path, Args: im.args, Dir: dir.path,
				Env: environment(spare.Env, dir.path, env, spec.Env),
			}
			return p, nil
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     spec.StartTimeout,
		Logger:           hclog.NewNullLogger(),
		Stderr:           said,
		SyncStdout:       said,
		SyncStderr:       said,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir.path},
		GRPCDialOptions:  dialOptions,
	})
	conn, err := connect(ctx, client, p, 2*spec.StartTimeout)
	if err != nil {
		e := startError(err, im.name, p, said, spec.StartTimeout)
		_ = p.Kill(ctx)
		client.Kill() // does not block: there is no connection, and no process soon
		dir.remove()
		return nil, e
	}
	return &session{
		rpc:     pb.NewBackendClient(conn),
		killNow: func() { _ = p.Kill(context.Background()) },
		release: func() {
			client.Kill()
			dir.remove()
		},
		exited: p.done,
		status: p.status,
		tail:   said,
	}, nil
}

// dialOptions bound what is sent to a backend, and what it may answer.
var dialOptions = []grpc.DialOption{grpc.WithDefaultCallOptions(
	grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage))}

// environment is all that the process sees: what go-plugin tells it, what the
// launcher does, and what the manifest allows.
func environment(handshake []string, dir string, own, allowed []string) []string {
	var env []string
	for _, e := range handshake {
		if !strings.HasPrefix(e, plugin.EnvUnixSocketDir+"=") {
			env = append(env, e)
		}
	}
	env = append(env, plugin.EnvUnixSocketDir+"="+dir, wire.HostVariable+"="+strconv.Itoa(os.Getpid()))
	for _, name := range baseVariables {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(append(env, own...), allowed...)
}

// baseVariables are handed on always: they hold no secrets, and a backend
// writes wrong times without the one, and Windows cannot do without the other.
var baseVariables = []string{"TZ", "SYSTEMROOT"}

// connect starts the process and returns the connection, within limit.
func connect(ctx context.Context, c *plugin.Client, p *process, limit time.Duration) (*grpc.ClientConn, error) {
	type result struct {
		conn *grpc.ClientConn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		protocol, err := c.Client()
		if err != nil {
			done <- result{err: err}
			return
		}
		g, ok := protocol.(*plugin.GRPCClient)
		if !ok {
			done <- result{err: fmt.Errorf("unexpected protocol %T", protocol)}
			return
		}
		done <- result{conn: g.Conn}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case r := <-done:
		return r.conn, r.err
	case <-ctx.Done():
		_ = p.Kill(ctx)
		<-done
		return nil, ctx.Err() //nolint:wrapcheck // the caller gave up
	case <-late.C:
		_ = p.Kill(ctx)
		<-done
		return nil, context.DeadlineExceeded
	}
}

// startError says in our words why a process did not become a backend.
func startError(err error, path string, p *process, said *tail, limit time.Duration) error {
	e := &StartError{Err: err}
	var refused *StartError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled):
		return err
	case p.cmd == nil || p.cmd.Process == nil:
		notStarted(e, path, err)
		return e
	}
	exited := false
	line := p.stdout.line()
	if line == "" && !isTimeout(err) && !strings.Contains(err.Error(), "timeout") {
		select {
		case <-p.done:
			exited = true
		case <-time.After(pipeGrace):
		}
	}
	e.Stderr = said.Lines()
	version, wrong := strings.CutPrefix(err.Error(), "incompatible API version with plugin. Plugin version: ")
	version, _, _ = strings.Cut(version, ",")
	switch {
	case wrong:
		e.Problem = WrongVersion
		e.Detail = fmt.Sprintf("it speaks protocol version %s and this program %d", version, wire.ProtocolVersion)
		e.Fix = "rebuild the older of the two"
	case line != "" && !isHandshake(line):
		e.Problem = NotABackend
		e.Detail = fmt.Sprintf("it printed %q to standard output in place of a handshake", line)
		e.Fix = "if it is a Spanloom backend, print nothing before backend.Serve"
	case exited:
		e.Problem = ExitedEarly
		e.Detail = fmt.Sprintf("process exited before its handshake (%s)", p.status())
		e.Fix = "is it a Spanloom backend?"
		if len(e.Stderr) > 0 {
			e.Fix = ""
		}
	case isTimeout(err) || strings.Contains(err.Error(), "timeout"):
		e.Problem = StartTimeout
		if isHandshake(line) {
			e.Detail = fmt.Sprintf("it sent its handshake and could not be reached within %s", 2*limit)
			break
		}
		e.Detail = fmt.Sprintf("no handshake within %s", limit)
		e.Fix = "is it a Spanloom backend?"
	default:
		e.Problem = NotABackend
		e.Detail = "the handshake failed: " + err.Error()
	}
	return e
}

// notStarted says why the system did not run a file.
func notStarted(e *StartError, path string, err error) {
	e.Problem = NotExecutable
	switch {
	case errors.Is(err, os.ErrNotExist):
		e.Problem = NotFound
		e.Detail, e.Fix = path+" cannot be run: it or its interpreter does not exist", "build it again for this system"
	case errors.Is(err, os.ErrPermission):
		e.Detail, e.Fix = path+" may not be run", "look at its mode, and whether its file system is mounted noexec"
	case strings.Contains(err.Error(), "exec format error"):
		e.Problem = WrongFormat
		e.Detail = fmt.Sprintf("%s is not a program for %s/%s", path, runtime.GOOS, runtime.GOARCH)
		e.Fix = "build it for this system"
	default:
		e.Detail = fmt.Sprintf("%s cannot be run: %v", path, err)
	}
}

// isHandshake reports whether a line has the shape of go-plugin's handshake.
func isHandshake(line string) bool {
	return strings.HasPrefix(line, "1|") && strings.Count(line, "|") >= 3
}
