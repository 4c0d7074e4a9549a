package pluginhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// Remote connects to a backend that somebody else has started: at host:port, or at unix:
// and a path. It is spoken to by TLS as config says, or in plain text when that is nil,
// which is for this machine and for networks that are protected otherwise.
//
// The backend is another's: what it writes for people is not shown. It is tried again
// and again, as one whose process has ended, also when it could not be reached the first
// time, unless [Spec] requires it.
func Remote(address string, config *tls.Config) Launcher { return remote{address, config} }

type remote struct {
	address string
	tls     *tls.Config
}

// maxHeaders bounds what a backend may send before its messages.
const maxHeaders = 64 << 10

func (l remote) launch(_ context.Context, spec *Spec) (*session, error) {
	secure := insecure.NewCredentials()
	if l.tls != nil {
		secure = credentials.NewTLS(l.tls)
	}
	conn, err := grpc.NewClient(l.address,
		grpc.WithTransportCredentials(secure),
		grpc.WithDisableServiceConfig(), // which a name server could have
		grpc.WithNoProxy(),
		grpc.WithIdleTimeout(0),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: spec.StartTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", l.address, err)
	}
	return &session{
		rpc:     pb.NewBackendClient(conn),
		tail:    &tail{},
		killNow: func() { go func() { _ = conn.Close() }() },
		release: func() { _ = conn.Close() },
	}, nil
}

// patient reports whether a backend is tried again that could not be started the first
// time: one at an address may come up later.
func (s *Spec) patient() bool { return s.elsewhere() && !s.Required }

// elsewhere reports whether the backend is not the program's own.
func (s *Spec) elsewhere() bool {
	_, is := s.Launch.(remote)
	return is
}

// hint says of a backend at an address that ends the connection before it is open what
// is mostly the cause: it speaks TLS and is spoken to in plain text.
func (s *Spec) hint(err error) error {
	l, is := s.Launch.(remote)
	if e, ok := errors.AsType[*cleanError](err); ok && is && l.tls == nil && e.text == endedText {
		e.text += "; if it speaks TLS, write tls"
	}
	return err
}
