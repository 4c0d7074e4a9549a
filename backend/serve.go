package backend

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/internal/wire"
)

// Serve is the whole main of a backend: it serves one instance of b to the host
// that started the process, and exits. It never returns.
//
// The process ends when its connection to the host ends, however that comes,
// when the host is gone before there is one, or when none comes within ten
// seconds; the instance is closed first, for at most two seconds. What it has
// started itself, in its own process group, is killed with it when the host is
// gone. It ignores interrupts, which concern the host, and closes the instance
// on a termination signal.
//
// What is printed to standard output after Serve was called goes to standard
// error: go-plugin needs standard output for its handshake. Printing there
// before Serve, as in an init function, makes the host refuse the backend.
//
// Without a host, Serve says how the binary is used and exits with status 2, or 0 when it
// was asked for that with -h or --help.
func Serve(b Backend) {
	if os.Getenv(wire.CookieKey) != wire.CookieValue {
		os.Exit(byHand(b, os.Args[1:], os.Stdout, os.Stderr))
	}
	life := newLifetime()
	life.watch()
	stderr := os.Stderr
	handshake := splitStdout()
	os.Stdout = handshake

	s := NewServer(b)
	s.ready = func() {
		// go-plugin has put pipes in their place, which block when nobody
		// reads them. The host always reads the real standard error.
		os.Stdout, os.Stderr = stderr, stderr
	}
	life.server.Store(s)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			wire.ProtocolVersion: {wire.PluginName: &grpcPlugin{server: s}},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts,
				grpc.StatsHandler(life),
				// A batch comes as a whole, without waiting for leave in between.
				grpc.InitialWindowSize(wire.MaxMessage),
				grpc.InitialConnWindowSize(wire.MaxMessage),
				grpc.MaxRecvMsgSize(wire.MaxMessage),
				grpc.MaxSendMsgSize(wire.MaxMessage))...)
		},
		Logger: hclog.NewNullLogger(),
	})
	life.end(life.hostGone())
}

// byHand tells somebody who ran the binary by hand what it is, and returns the status to
// exit with.
func byHand(b Backend, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		usage(stdout, b)
		return 0
	}
	usage(stderr, b)
	return 2
}

// usage says how the binary is used.
func usage(w io.Writer, b Backend) {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	file := "spanloom-backend-" + b.Name
	fmt.Fprintf(w, `This is the Spanloom backend %[1]q. A Spanloom program starts it when its
spanloom.yaml says so:

    telemetry:
      backends:
        - plugin: %[1]s

Put it beside spanloom.yaml, add those lines, and allow it to run:

    mkdir -p .spanloom/backends
    cp %[2]s .spanloom/backends/%[3]s
    spanloom backend lock %[1]s
`, b.Name, path, file)
}
