package grpcprop

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/spanloom/spanloom/propagation"
)

// ServerOptions returns the interceptors that give each handler the context that
// [propagation.Config.Receive] makes of a call's metadata.
func ServerOptions(c propagation.Config) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(
			ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
		) (any, error) {
			return handle(c.Receive(ctx, incoming{ctx}), req)
		}),
		grpc.ChainStreamInterceptor(func(
			srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler,
		) error {
			ctx := s.Context()
			return handle(srv, &stream{ServerStream: s, ctx: c.Receive(ctx, incoming{ctx})})
		}),
	}
}

// stream is a stream with another context.
type stream struct {
	grpc.ServerStream

	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

// incoming is a carrier over the metadata of a call, of which it copies only what
// it is asked for.
type incoming struct{ ctx context.Context }

// Get returns the first value of key, or nothing.
func (i incoming) Get(key string) string {
	if list := i.Values(key); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Values returns all values of key.
func (i incoming) Values(key string) []string { return metadata.ValueFromIncomingContext(i.ctx, key) }

// Set does nothing: what came in stays as it came.
func (incoming) Set(string, string) {}

// Keys returns the keys that have values, in no order.
func (i incoming) Keys() []string {
	md, _ := metadata.FromIncomingContext(i.ctx)
	return propagation.Metadata(md).Keys()
}
