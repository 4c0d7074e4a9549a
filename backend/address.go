package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

const (
	// maxInstances is how many programs a backend at an address serves at once.
	maxInstances = 256
	// maxConns is how many connections it has at once, some of which have no instance
	// yet, or are told that there are too many. Others wait for one to end.
	maxConns = maxInstances + 32
	// configureTimeout is how long a connection may be without an instance.
	configureTimeout = 10 * time.Second
)

// ServeAddress serves b to programs whose manifests have its address, until ctx ends:
// at host:port, or at unix: and a path, which only the own user can then reach. Each
// connection opens an instance of its own, which is closed, for at most two seconds, when
// the connection ends; 256 are open at once at most. A connection that opens none within ten
// seconds is closed.
//
// Whoever can connect can send telemetry. So c should ask for certificates of clients
// (tls.RequireAndVerifyClientCert). It may be nil, for plain text, on this machine only:
// at a Unix socket or an address of the loopback interface.
//
// The error says why it could not listen; it is nil when ctx has ended.
func ServeAddress(ctx context.Context, b Backend, address string, c *tls.Config) error {
	l, err := listen(ctx, address, c == nil)
	if err != nil {
		return fmt.Errorf("backend %s: %w", b.Name, err)
	}
	return (&desk{backend: b, patience: configureTimeout}).serve(ctx, l, c)
}

func (d *desk) serve(ctx context.Context, l net.Listener, c *tls.Config) error {
	opts := []grpc.ServerOption{
		grpc.StatsHandler(d),
		grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.InitialWindowSize(wire.MaxMessage), grpc.InitialConnWindowSize(wire.MaxMessage),
		grpc.MaxHeaderListSize(maxHeaders), grpc.MaxConcurrentStreams(maxCalls),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: connectTimeout}), // a host that vanished
	}
	if c != nil {
		c = c.Clone()
		c.MinVersion = max(c.MinVersion, tls.VersionTLS13)
		opts = append(opts, grpc.Creds(credentials.NewTLS(c)))
	}
	g := grpc.NewServer(opts...)
	pb.RegisterBackendServer(g, d)
	stop := context.AfterFunc(ctx, g.Stop)
	err := g.Serve(netutil.LimitListener(waiting{l, d.patience}, maxConns))
	if stop() { // it was not ctx
		g.Stop()
	}
	d.open.Wait()
	if err == nil || ctx.Err() != nil {
		return nil //nolint:nilerr // it was to end
	}
	return fmt.Errorf("backend %s: %w", d.backend.Name, err)
}

const (
	maxHeaders = 64 << 10
	// maxCalls is how many calls of one connection are answered at once: a host makes
	// few.
	maxCalls = 16
)

// listen listens at an address, in plain text only where nobody else can listen in.
func listen(ctx context.Context, address string, plain bool) (net.Listener, error) {
	var lc net.ListenConfig
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		l, err := lc.Listen(ctx, "unix", path)
		if err != nil {
			return nil, err //nolint:wrapcheck // it says all
		}
		if err := os.Chmod(path, 0o600); err != nil {
			_ = l.Close()
			return nil, err //nolint:wrapcheck // as before
		}
		return l, nil
	}
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	if at, ok := l.Addr().(*net.TCPAddr); plain && (!ok || !at.IP.IsLoopback()) {
		_ = l.Close()
		return nil, errors.New("without TLS it serves this machine only: give certificates, or listen at 127.0.0.1")
	}
	return l, nil
}

// desk gives each connection a server of its own.
type desk struct {
	pb.UnimplementedBackendServer

	backend   Backend
	patience  time.Duration // with a connection without an instance
	instances atomic.Int64
	open      sync.WaitGroup // instances that are to be closed
}

// visit is a connection.
type visit struct {
	server *Server
	guest  *guest
	counts atomic.Bool // as an instance
}

type visitKey struct{}

func of(ctx context.Context) (*visit, error) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return nil, status.Error(codes.Internal, "the call belongs to no connection")
	}
	return v, nil
}

// TagConn implements stats.Handler.
func (d *desk) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	v := &visit{server: NewServer(d.backend)}
	if at, ok := info.RemoteAddr.(guestAddr); ok {
		v.guest = at.guest
	}
	return context.WithValue(ctx, visitKey{}, v)
}

// HandleConn implements stats.Handler.
func (d *desk) HandleConn(ctx context.Context, s stats.ConnStats) {
	v, err := of(ctx)
	if _, end := s.(*stats.ConnEnd); !end || err != nil {
		return
	}
	d.open.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = v.server.Close(ctx) // nobody is there to be told
		if v.counts.Load() {
			d.instances.Add(-1)
		}
	})
}

// TagRPC implements stats.Handler.
func (*desk) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (*desk) HandleRPC(context.Context, stats.RPCStats) {}

// Describe implements the service, as do the others.
func (d *desk) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	v, err := of(ctx)
	if err != nil {
		return nil, err
	}
	return v.server.Describe(ctx, r)
}

// Configure also sees to it that there are not too many.
func (d *desk) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	v, err := of(ctx)
	if err != nil {
		return nil, err
	}
	if v.counts.CompareAndSwap(false, true) && d.instances.Add(1) > maxInstances {
		d.instances.Add(-1)
		v.counts.Store(false)
		return nil, status.Errorf(codes.ResourceExhausted, "it serves %d programs already", maxInstances)
	}
	if v.guest != nil && !v.guest.stay() {
		return nil, status.Error(codes.Unavailable, "it was not asked to open in time")
	}
	return v.server.Configure(ctx, r)
}

// Stream implements the service.
func (d *desk) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	v, err := of(stream.Context())
	if err != nil {
		return err
	}
	return v.server.Stream(stream)
}

// Flush implements the service.
func (d *desk) Flush(ctx context.Context, r *pb.FlushRequest) (*pb.FlushResponse, error) {
	v, err := of(ctx)
	if err != nil {
		return nil, err
	}
	return v.server.Flush(ctx, r)
}

// Health implements the service.
func (d *desk) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	v, err := of(ctx)
	if err != nil {
		return nil, err
	}
	return v.server.Health(ctx, r)
}

// Shutdown implements the service.
func (d *desk) Shutdown(ctx context.Context, r *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	v, err := of(ctx)
	if err != nil {
		return nil, err
	}
	return v.server.Shutdown(ctx, r)
}
