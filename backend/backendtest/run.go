package backendtest

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/backend/conformance"
	"github.com/spanloom/spanloom/internal/wire"
)

// Option says something of a backend that is checked. Make one with a function of
// this package.
type Option func(*conformance.Target)

// WithConfig says with which config, a JSON object, the backend works. Defaults to {}.
func WithConfig(config string) Option {
	return func(t *conformance.Target) { t.Config = json.RawMessage(config) }
}

// WithMistake gives a config that the backend refuses, and the path of the key that is
// wrong in it, such as "tls.ca".
func WithMistake(config, key string) Option {
	return func(t *conformance.Target) {
		t.Mistakes = append(t.Mistakes, conformance.Mistake{Config: json.RawMessage(config), Key: key})
	}
}

// WithSink gives the destination that the config names, so that the rules of what
// arrives there are checked.
func WithSink(s conformance.Sink) Option {
	return func(t *conformance.Target) { t.Sink = &s }
}

// WithCommand says which binary is the backend as a process, and its arguments.
// Defaults to the test binary, which becomes the backend when it reaches Run.
func WithCommand(path string, args ...string) Option {
	return func(t *conformance.Target) { t.Command = append([]string{path}, args...) }
}

// Run checks each rule in a subtest of its name. Most are checked with a server in
// the process of the test, and those of processes with one of their own: the test
// binary, started with this test alone, which does what the test does before Run and
// then serves b. A test that shares Run with others, as cases of a table, makes a
// subtest for each. It takes ten seconds at least: one process waits for a host that
// never comes, while the other rules are checked.
func Run(t *testing.T, b backend.Backend, opts ...Option) {
	t.Helper()
	if os.Getenv(childVariable) == t.Name() {
		if _, hosted := os.LookupEnv(wire.CookieKey); !hosted {
			os.Exit(2) // as a backend does that somebody runs by hand
		}
		backend.Serve(b)
	}
	target := conformance.Target{Dial: dial(b)}
	for _, o := range opts {
		o(&target)
	}
	if len(target.Command) == 0 {
		again(t, &target)
	}
	check, end := target.Start(t.Context())
	defer end()
	for _, r := range conformance.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			switch res := check(r); res.Outcome {
			case conformance.Failed:
				t.Errorf("%s\nseen: %s", r.Text, res.Seen)
			case conformance.Skipped:
				t.Skip(res.Seen)
			case conformance.Passed:
			}
		})
	}
}

// childVariable names the test in which a test binary becomes a backend.
const childVariable = "SPANLOOM_BACKENDTEST"

// again makes the test binary the command, with this test alone.
func again(t *testing.T, target *conformance.Target) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var only []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		only = append(only, "^"+regexp.QuoteMeta(part)+"$")
	}
	target.Command = []string{path, "-test.run=" + strings.Join(only, "/"), "-test.timeout=2m"}
	for _, e := range os.Environ() { // it is to come as far as this test has come
		if !strings.HasPrefix(e, "PLUGIN_") && !strings.HasPrefix(e, "SPANLOOM_BACKEND") {
			target.Env = append(target.Env, e)
		}
	}
	// The race detector sleeps for a second at exit by default.
	race := strings.TrimSpace(os.Getenv("GORACE") + " atexit_sleep_ms=0")
	target.Env = append(target.Env, childVariable+"="+t.Name(), "GORACE="+race)
}

// closeTimeout is how long an instance may take to close, as in a process of its own.
const closeTimeout = 2 * time.Second

// dial serves b in this process.
func dial(b backend.Backend) func(context.Context) (grpc.ClientConnInterface, func(), error) {
	return func(context.Context) (grpc.ClientConnInterface, func(), error) {
		s := backend.NewServer(b)
		g := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))
		s.Register(g)
		l := bufconn.Listen(1 << 20)
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = g.Serve(l)
		}()
		conn, err := grpc.NewClient("passthrough:backend", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(2*wire.MaxMessage)),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		if err != nil {
			g.Stop()
			<-served
			return nil, nil, err
		}
		return conn, func() {
			_ = conn.Close()
			g.Stop()
			<-served
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			_ = s.Close(ctx)
		}, nil
	}
}
