package grpcprop

import (
	"context"
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/spanloom/spanloom/propagation"
)

// DialOptions returns the interceptors that send the span of each call's context
// with it, as [propagation.Config.Send] does. Baggage goes along if the host of
// the connection's target is one of the Config's Hosts: for dns:///db:5432 that
// is db, for a Unix socket localhost.
//
// Interceptors that are added after these see the metadata; those before do not.
func DialOptions(c propagation.Config) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(
			ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
		) error {
			return invoke(send(ctx, c, cc), method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(
			ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			return stream(send(ctx, c, cc), desc, cc, method, opts...)
		}),
	}
}

func send(ctx context.Context, c propagation.Config, cc *grpc.ClientConn) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx) // a copy
	if !ok {
		md = metadata.MD{}
	}
	c.Send(ctx, propagation.Metadata(md), host(cc.CanonicalTarget()))
	return metadata.NewOutgoingContext(ctx, md)
}

// host returns the name of the host in a target (gRPC Name Resolution), or
// nothing when the target has none.
func host(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	if strings.HasPrefix(u.Scheme, "unix") {
		return "localhost"
	}
	endpoint := strings.TrimPrefix(u.Path, "/")
	if name, _, err := net.SplitHostPort(endpoint); err == nil {
		return name
	}
	return strings.Trim(endpoint, "[]")
}
