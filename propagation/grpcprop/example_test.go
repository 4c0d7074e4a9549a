package grpcprop_test

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spanloom/spanloom/propagation"
	"github.com/spanloom/spanloom/propagation/grpcprop"
)

func Example() {
	config := propagation.Config{TrustIncoming: true, Hosts: []string{"billing.internal.example"}}

	server := grpc.NewServer(grpcprop.ServerOptions(config)...)
	defer server.Stop()

	options := append(grpcprop.DialOptions(config), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("dns:///billing.internal.example:5432", options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(conn.Target())
	// Output: dns:///billing.internal.example:5432
}
