package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
		e := startError(err, im.name, p, said, spec)
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
