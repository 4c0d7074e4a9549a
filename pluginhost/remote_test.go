//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/internal/wire"
)

// certificates returns the TLS of a server and of a client that know each other.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	a := otlptest.NewAuthority(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(a.PEM))
	pair := func(name string) []tls.Certificate {
		cert, key := a.Issue(t, name)
		p, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{p}
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: pair("127.0.0.1"), ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
		&tls.Config{MinVersion: tls.VersionTLS13, Certificates: pair("client"), RootCAs: pool}
}

// freeAddress is one where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve serves the recorder at an address until end is called.
func serve(t *testing.T, address string, c *tls.Config) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil { // the port may not be free yet
			if err := backend.ServeAddress(ctx, testBackend("recorder"), address, c); err != nil {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	return end
}

func remoteSpec(t *testing.T, address string, c *tls.Config, config testConfig) Spec {
	t.Helper()
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "far", Launch: Remote(address, c), Config: data, restartDelay: time.Millisecond}
}

// TestRemote: two programs, each with an instance of its own, over mutual TLS.
func TestRemote(t *testing.T) {
	server, client := certificates(t)
	address := freeAddress(t)
	serve(t, address, server)
	var said bytes.Buffer
	for i := range 2 {
		file := filepath.Join(t.TempDir(), "events")
		s := remoteSpec(t, address, client, testConfig{File: file, Say: "\x1b[2J", Log: "x"})
		s.Output = &said
		h := start(t, s)
		n := hooktest.Random(h, uint64(i))
		flush(t, h)
		shutdown(t, h, 5*time.Second)
		if st := h.Stats(); st.Delivered != uint64(n) {
			t.Errorf("%d events: %s", n, st.Ledger())
		}
		await(t, 10*time.Second, "closed", func() bool {
			data, _ := os.ReadFile(file)
			return strings.HasSuffix(string(data), "check: <nil>\n")
		})
	}
	if said.Len() > 0 {
		t.Errorf("a stranger wrote to the terminal: %q", said.String())
	}
}

// TestRemoteTrust: who cannot prove who it is gets nothing, on both sides.
func TestRemoteTrust(t *testing.T) {
	server, client := certificates(t)
	_, other := certificates(t)
	address := freeAddress(t)
	serve(t, address, server)
	for what, c := range map[string]*tls.Config{
		"no certificate": {MinVersion: tls.VersionTLS13, RootCAs: client.RootCAs},
		"another's":      {MinVersion: tls.VersionTLS13, RootCAs: client.RootCAs, Certificates: other.Certificates},
		"no authority":   {MinVersion: tls.VersionTLS13, Certificates: client.Certificates},
		"plain text":     nil,
	} {
		s := remoteSpec(t, address, c, testConfig{})
		s.Required, s.StartTimeout = true, 2*time.Second
		h := start(t, s)
		hooktest.Random(h, 1)
		if err := h.Ready(t.Context()); err == nil {
			t.Errorf("%s: ready", what)
		} else {
			t.Logf("%s: %v", what, err)
		}
		if st := h.Stats(); st.Delivered > 0 {
			t.Errorf("%s: %s", what, st.Ledger())
		}
	}
	if err := backend.ServeAddress(t.Context(), testBackend("recorder"), "0.0.0.0:0", nil); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("plain text for everybody: %v", err)
	}
}

// TestRemoteComesAndGoes: nothing is lost before it is there, nor when it is restarted.
func TestRemoteComesAndGoes(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "a") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := "unix:" + filepath.Join(dir, "s")
	h := start(t, remoteSpec(t, address, nil, testConfig{}))
	n := hooktest.Random(h, 1)
	await(t, 10*time.Second, "tried", func() bool { return restarts(h) > 1 })
	for i := range uint64(4) {
		end := serve(t, address, nil)
		n += hooktest.Random(h, i)
		flush(t, h)
		n += hooktest.Random(h, i+10)
		end()
		n += hooktest.Random(h, i+20)
	}
	serve(t, address, nil)
	flush(t, h)
	if st := h.Stats(); st.Delivered != uint64(n) {
		t.Errorf("%d events: %s", n, st.Ledger())
	}
}

// hostile answers a stream with what nobody should believe.
type hostile struct {
	faulty

	kind  int
	text  string
	calls atomic.Int64
}

func (x *hostile) Flush(context.Context, *pb.FlushRequest) (*pb.FlushResponse, error) {
	return &pb.FlushResponse{}, nil
}

func (x *hostile) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	x.calls.Add(1)
	b, err := stream.Recv()
	if err != nil {
		return err
	}
	switch x.kind {
	case 0: // more than a message may have
		return stream.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq(), Output: make([]byte, 2*wire.MaxMessage)})
	case 1: // what was never sent
		return stream.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: 1 << 60})
	case 3: // the same again and again, with much to say
		for err == nil {
			err = stream.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq(), Error: x.text, Lost: &pb.Losses{}, Output: []byte("x")})
		}
		return err
	case 4: // of another epoch
		for err == nil {
			err = stream.Send(&pb.Ack{Epoch: b.GetEpoch() + 1})
		}
		return err
	default: // nothing
		<-stream.Context().Done()
		return nil
	}
}

// TestHostileRemote: memory and time are bounded, and the ledger is exact.
func TestHostileRemote(t *testing.T) {
	for kind, want := range []string{"larger than max", "which was not sent", "no sign of life", "that say nothing new", "that say nothing new"} {
		x := &hostile{kind: kind, text: strings.Repeat("no\t", 10<<10)}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g := grpc.NewServer(grpc.MaxSendMsgSize(1 << 30))
		pb.RegisterBackendServer(g, x)
		go func() { _ = g.Serve(l) }()
		t.Cleanup(g.Stop)
		s := remoteSpec(t, l.Addr().String(), nil, testConfig{})
		if s.ackTimeout = 10 * time.Second; kind == 2 {
			s.ackTimeout, s.healthTimeout = 100*time.Millisecond, 50*time.Millisecond
		}
		h := start(t, s)
		hooktest.Random(h, 1)
		await(t, 20*time.Second, "given up again", func() bool { return x.calls.Load() > 2 || kind == 3 && restarts(h) > 0 })
		h.mu.Lock()
		cause := h.cause.Error()
		h.mu.Unlock()
		if !strings.Contains(cause, want) {
			t.Errorf("%q, want %q in it", cause, want)
		}
		shutdown(t, h, 300*time.Millisecond)
		if st := h.Stats(); st.Delivered > 0 && kind != 3 {
			t.Error(st.Ledger())
		}
	}
}

// schemed is a backend with a schema.
type schemed struct {
	faulty

	schema []byte
}

func (x *schemed) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return &pb.DescribeResponse{ProtocolVersion: wire.ProtocolVersion, ConfigSchema: x.schema}, nil
}

// TestHostileSchema: one that is too large is not looked at, and one that takes too long
// is given up once and for all.
func TestHostileSchema(t *testing.T) {
	for _, tt := range []struct {
		size  int
		words string
	}{
		{3 << 20, "the schema of its config has 3145728 bytes, and may have 262144"},
		{maxSchema, "its config could not be checked with its schema within 200ms"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g := grpc.NewServer()
		pb.RegisterBackendServer(g, &schemed{schema: make([]byte, tt.size)})
		go func() { _ = g.Serve(l) }()
		t.Cleanup(g.Stop)
		s := remoteSpec(t, l.Addr().String(), nil, testConfig{})
		s.StartTimeout = 200 * time.Millisecond
		var checks atomic.Int64
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		s.CheckConfig = func([]byte) error {
			checks.Add(1)
			<-release
			return nil
		}
		h := start(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := h.Ready(ctx); err == nil || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%v, want %q in it", err, tt.words)
		}
		want := int64(0)
		if tt.size <= maxSchema {
			want = 1
		}
		if got := checks.Load(); got != want {
			t.Errorf("%d bytes were checked %d times", tt.size, got)
		}
		s.CheckConfig = nil
		if _, err := Describe(t.Context(), s); (err != nil) != (tt.size > maxSchema) {
			t.Errorf("Describe, %d bytes: %v", tt.size, err)
		}
	}
}

// TestWhatIsSaidOfARemote is of a connection, not of a process, and names the cause when
// plain text meets TLS.
func TestWhatIsSaidOfARemote(t *testing.T) {
	server, _ := certificates(t)
	address := freeAddress(t)
	var out lines
	s := remoteSpec(t, address, nil, testConfig{})
	s.Logger = slog.New(slog.NewJSONHandler(&out, nil))
	h := start(t, s)
	said := func(words string) {
		t.Helper()
		await(t, 20*time.Second, words, func() bool {
			return slices.ContainsFunc(out.all(), func(line string) bool { return strings.Contains(line, words) })
		})
	}
	said("connection refused")
	serve(t, address, server)
	said("the backend ended the connection; if it speaks TLS, write tls")
	shutdown(t, h, 5*time.Second)
	for _, line := range out.all() {
		if strings.Contains(line, "is started again") || !strings.Contains(line, `"msg":"backend is connected to again"`) {
			t.Error(line)
		}
	}
}
