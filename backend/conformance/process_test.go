package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/stats"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// faultVariable makes the test binary a backend, with a fault that it names.
const faultVariable = "SPANLOOM_TEST_FAULT"

func TestMain(m *testing.M) {
	if fault, ok := os.LookupEnv(faultVariable); ok {
		if err := serve(fault); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serve is a backend process that is written without package backend's Serve, as one
// in another language would be.
func serve(fault string) error {
	if os.Getenv(wire.CookieKey) != wire.CookieValue && fault != "no cookie needed" {
		return fmt.Errorf("this is a backend")
	}
	switch fault {
	case "ends at once":
		return fmt.Errorf("panic: no idea")
	case "mute":
		time.Sleep(time.Minute)
	case "talks first":
		fmt.Println("hello from a library")
	}
	if fault == "knows one host" && os.Getenv("PLUGIN_PROTOCOL_VERSIONS") != "1" {
		return fmt.Errorf("want version 1")
	}
	life := newLife(fault)
	id, err := newIdentity()
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(os.Getenv("PLUGIN_CLIENT_CERT")))
	config := &tls.Config{
		Certificates: []tls.Certificate{id.tls}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}
	if fault == "lets everybody in" {
		config.ClientAuth = tls.NoClientCert
	}
	dir := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	if fault == "another directory" {
		dir = filepath.Join(dir, "inside")
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return err
	}
	s := &server{BackendServer: backend.NewServer(reference(newMemory())), middle: &middle{}}
	if fault == "needs starts" {
		s.middle = needsStarts(nil)
	}
	g := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.StatsHandler(life), grpc.MaxRecvMsgSize(wire.MaxMessage))
	pb.RegisterBackendServer(g, s)
	go func() { _ = g.Serve(l) }()

	version := "1"
	switch fault {
	case "another version":
		version = "2"
	case "claims any version":
		version, _, _ = strings.Cut(os.Getenv("PLUGIN_PROTOCOL_VERSIONS"), ",")
	}
	block, _ := pem.Decode([]byte(id.pem))
	cert := base64.RawStdEncoding.EncodeToString(block.Bytes)
	if fault == "padded certificate" {
		cert = base64.StdEncoding.EncodeToString(append(block.Bytes, 0)) + "="
	}
	fmt.Println(strings.Join([]string{"1", version, "unix", l.Addr().String(), "grpc", cert}, "|"))
	<-life.ended
	switch fault {
	case "talks":
		fmt.Println("bye")
	case "status 3":
		os.Exit(3)
	case "lives on":
		time.Sleep(time.Minute)
	}
	return nil
}

// life says when nobody is there to work for any more.
type life struct {
	conns atomic.Int64
	met   atomic.Bool
	once  sync.Once
	ended chan struct{}
}

func newLife(fault string) *life {
	l := &life{ended: make(chan struct{})}
	interrupts := make(chan os.Signal, 1)
	switch fault {
	case "interrupted": // as a program that says nothing of signals
	case "ends in good order":
		signal.Notify(interrupts, os.Interrupt)
	default:
		signal.Ignore(os.Interrupt)
	}
	wait := testLimits.connect
	switch fault {
	case "waits for ever":
		wait = time.Hour
	case "impatient":
		wait = testLimits.connect / 2
	}
	go func() {
		late, look, parent := time.After(wait), time.Tick(glance), os.Getppid()
		for {
			select {
			case <-interrupts:
				l.end()
			case <-late:
				if !l.met.Load() {
					l.end()
				}
			case <-look:
				if os.Getppid() != parent && fault != "knows no parent" {
					l.end()
				}
			}
		}
	}()
	return l
}

func (l *life) end() { l.once.Do(func() { close(l.ended) }) }

func (*life) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (l *life) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		l.met.Store(true)
		l.conns.Add(1)
	case *stats.ConnEnd:
		if l.conns.Add(-1) == 0 {
			l.end()
		}
	}
}

func (*life) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (*life) HandleRPC(context.Context, stats.RPCStats)                       {}

// asProcess returns a target that is the test binary with a fault.
func asProcess(t *testing.T, fault string) Target {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Target{Command: []string{path}, Env: []string{faultVariable + "=" + fault, "GORACE=atexit_sleep_ms=0"}}
}
