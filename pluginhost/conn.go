package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/internal/otlpredact"
)

// The methods of the OpenTelemetry Protocol's services, opentelemetry-proto 1.
var exportMethods = map[string]Signal{
	"/opentelemetry.proto.collector.trace.v1.TraceService/Export":     Traces,
	"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Metrics,
	"/opentelemetry.proto.collector.logs.v1.LogsService/Export":       Logs,
}

// NewConn returns a connection for OpenTelemetry's exporters over gRPC
// (otlptracegrpc, otlpmetricgrpc and otlploggrpc, each with WithGRPCConn). It is
// never dialled and knows no network: what is exported over it goes by
// [Host.Export] to each of the hosts that takes the signal, in as many pieces as
// its size takes, and succeeds at once. So one connection lasts for the program's
// life, whatever its backends do, and one whose queue is full does not matter to
// the others. What became of the requests is in the hosts' ledgers.
//
// Before that the redactors of the hosts, each that of its Capture, hide what is
// secret in them: in names, attributes, events, messages and labels, whatever
// provider they are from.
//
// Calls of other methods fail with code Unimplemented. Close the connection after
// the exporters; the hosts are not touched by that.
func NewConn(hosts ...*Host) (*grpc.ClientConn, error) { return NewSet(hosts...).NewConn() }

// NewConn returns a connection as the function NewConn does, to the hosts that are in
// the set when something is exported.
func (s *Set) NewConn() (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:spanloom-backends",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return nil, errNotDialled }),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithUnaryInterceptor(func(_ context.Context, method string, request, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			l := s.list.Load()
			return forward(l.hosts, l.clean, method, request)
		}),
		grpc.WithStreamInterceptor(func(_ context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, unimplemented(method)
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect exporters to backends: %w", err)
	}
	return conn, nil
}

var errNotDialled = errors.New("this connection is for exporters and is not dialled")

func unimplemented(method string) error {
	return status.Errorf(codes.Unimplemented, "%s: only OTLP exports are sent to backends", method)
}

// redactors returns a host's spec for each redactor that there is: mostly they have
// one together.
func redactors(hosts []*Host) (list []*Spec) {
	for _, h := range hosts {
		if !slices.ContainsFunc(list, func(s *Spec) bool { return s.Capture.Redactor == h.spec.Capture.Redactor }) {
			list = append(list, &h.spec)
		}
	}
	return list
}

// forward queues a request with the hosts that take it. It does not look at the
// context of the call, which may have ended: the request is there all the same.
func forward(hosts []*Host, clean []*Spec, method string, request any) error {
	s, ok := exportMethods[method]
	if !ok {
		return unimplemented(method)
	}
	m, ok := request.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "%s: %T is no message", method, request)
	}
	if !slices.ContainsFunc(hosts, func(h *Host) bool { return h.Takes(s) }) {
		for _, h := range hosts {
			h.ignored[s].Add(1)
		}
		return nil
	}
	for _, spec := range clean {
		m = otlpredact.Request(m, spec.Capture.Redactor, spec.Service.Attributes)
	}
	for piece, err := range pieces(m, MaxExport) {
		if err != nil {
			return status.Errorf(codes.Internal, "%s: %v", method, err)
		}
		for _, h := range hosts {
			h.Export(s, piece)
		}
	}
	return nil
}
