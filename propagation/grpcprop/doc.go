// Package grpcprop carries the span and the baggage of a context over gRPC, in
// both directions. It stands beside package propagation so that programs without
// gRPC need not link it.
//
//	conn, err := grpc.NewClient(target, append(grpcprop.DialOptions(config), creds)...)
//	server := grpc.NewServer(grpcprop.ServerOptions(config)...)
//
// Whom to trust is said by [propagation.Config]; the zero one trusts nobody.
//
// # Stability
//
// Experimental: names may change until version 1.
package grpcprop
