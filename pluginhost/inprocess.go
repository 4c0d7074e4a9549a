package pluginhost

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// InProcess runs b in this process, over the same protocol. A panic of a hook
// is recovered as elsewhere, and nothing else is: a b that exits or runs out of
// memory takes the program along, and one that hangs leaves a goroutine behind.
func InProcess(b backend.Backend) Launcher { return inProcess{b} }

type inProcess struct{ backend backend.Backend }

// closeTimeout bounds how long an instance in this process may take to close.
const closeTimeout = 2 * time.Second

func (l inProcess) launch(context.Context, *Spec) (*session, error) {
	server := backend.NewServer(l.backend)
	g := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))
	server.Register(g)
	return connectInMemory(g, func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = server.Close(ctx) // Shutdown has said what there was to say
	})
}

// connectInMemory serves g and connects to it without leaving the process.
func connectInMemory(g *grpc.Server, closeServer func()) (*session, error) {
	const buffer = 256 << 10
	l := bufconn.Listen(buffer)
	go func() { _ = g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:in-process",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)))
	if err != nil {
		g.Stop()
		return nil, fmt.Errorf("connect in process: %w", err)
	}
	return &session{
		rpc:  pb.NewBackendClient(conn),
		tail: &tail{},
		release: func() {
			_ = conn.Close()
			g.Stop()
			closeServer()
		},
	}, nil
}
