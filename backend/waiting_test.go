package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// serveDesk serves a desk, and returns where.
func serveDesk(t *testing.T, patience time.Duration) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	b := Backend{Name: "x", Open: func(context.Context, Config) (Instance, error) { return nothing{}, nil }}
	go func() { served <- (&desk{backend: b, patience: patience}).serve(ctx, l, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// nothing is an instance that does nothing.
type nothing struct{ callbacks.Base }

func (nothing) Flush(context.Context) error { return nil }
func (nothing) Close(context.Context) error { return nil }

// preface connects and says no more than that this is HTTP/2.
func preface(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// hears reads what the server says first.
func hears(conn net.Conn, d time.Duration) error {
	_ = conn.SetReadDeadline(time.Now().Add(d))
	_, err := conn.Read(make([]byte, 1))
	return err
}

// TestManyConnections are not served at once.
func TestManyConnections(t *testing.T) {
	address := serveDesk(t, time.Minute)
	var list []net.Conn
	for i := range maxConns {
		list = append(list, preface(t, address))
		if err := hears(list[i], 10*time.Second); err != nil {
			t.Fatal(i, err)
		}
	}
	late := preface(t, address)
	if err := hears(late, 200*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("one more than %d: %v", maxConns, err)
	}
	_ = list[0].Close()
	if err := hears(late, 10*time.Second); err != nil {
		t.Errorf("when one has gone: %v", err)
	}
}

// TestIdleConnections are closed, and those with an instance stay.
func TestIdleConnections(t *testing.T) {
	const patience = 500 * time.Millisecond
	address := serveDesk(t, patience)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rpc := pb.NewBackendClient(conn)
	if _, err := rpc.Configure(t.Context(), &pb.ConfigureRequest{Instance: "x"}); err != nil {
		t.Fatal(err)
	}
	idle := preface(t, address)
	_ = idle.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, idle); err != nil {
		t.Errorf("it was not closed: %v", err)
	}
	if _, err := rpc.Health(t.Context(), &pb.HealthRequest{}); err != nil { // it is older
		t.Error(err)
	}
}
