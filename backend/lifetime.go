package backend

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/stats"

	"github.com/spanloom/spanloom/internal/wire"
)

const (
	// closeTimeout bounds how long an instance may take to close when the
	// process has nobody left to work for.
	closeTimeout = 2 * time.Second
	// connectTimeout is how long a host may take to connect, which it does as
	// soon as it has read the handshake.
	connectTimeout = 10 * time.Second
	// parentTick is how often the process looks whether its host is there. A
	// host that is connected is missed at once.
	parentTick = time.Second
)

// lifetime ends the process when there is no host any more.
type lifetime struct {
	server atomic.Pointer[Server] // nil until Serve has made it
	parent int                    // the process id that the parent must have
	conns  atomic.Int64
	met    atomic.Bool // there was a connection
	once   sync.Once

	connect, tick time.Duration
	exit          func(code int, gone bool)
}

// newLifetime finds out whose process this is. The host says so itself: one
// that ended while this process came up is not our parent any more.
func newLifetime() *lifetime {
	l := &lifetime{parent: os.Getppid(), connect: connectTimeout, tick: parentTick, exit: exit}
	host, err := strconv.Atoi(os.Getenv(wire.HostVariable))
	_ = os.Unsetenv(wire.HostVariable) // not for what the backend starts
	// A leader was started by the host itself, and others by a script of its.
	if err == nil && leader() && l.parent != 0 {
		l.parent = host
	}
	return l
}

// hostGone reports whether the process has another parent than it had.
func (l *lifetime) hostGone() bool { return os.Getppid() != l.parent }

// watch begins to watch for what does not come over the connection. It does not
// return when the host is gone already.
func (l *lifetime) watch() {
	if l.hostGone() {
		l.exit(1, true)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	signal.Ignore(os.Interrupt)
	go func() {
		tick := time.NewTicker(l.tick)
		defer tick.Stop()
		late := time.NewTimer(l.connect)
		defer late.Stop()
		for {
			select {
			case <-term:
				l.end(l.hostGone())
			case <-tick.C:
				if l.hostGone() {
					l.end(true)
				}
			case <-late.C:
				if !l.met.Load() {
					l.end(true)
				}
			}
		}
	}()
}

// end closes the instance and exits. When the host is gone, nobody else ends
// what the process has started.
func (l *lifetime) end(gone bool) {
	l.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		code := 0
		if s := l.server.Load(); s != nil {
			if err := s.Close(ctx); err != nil {
				_, _ = os.Stderr.WriteString("closing: " + err.Error() + "\n")
				code = 1
			}
		}
		l.exit(code, gone || l.hostGone())
	})
	select {} // another goroutine is exiting
}

// exit ends the process, and its group when nobody else will.
func exit(code int, gone bool) {
	if gone {
		killOwnGroup()
	}
	os.Exit(code)
}

// TagConn implements stats.Handler.
func (*lifetime) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler: it sees only connections whose
// certificate was accepted.
func (l *lifetime) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		l.met.Store(true)
		l.conns.Add(1)
	case *stats.ConnEnd:
		if l.conns.Add(-1) == 0 {
			// A host that has ended the instance lives on, and ends what is
			// left itself; one that is being killed loses its connections
			// before it is gone.
			go l.end(!l.server.Load().closed.Load())
		}
	}
}

// TagRPC implements stats.Handler.
func (*lifetime) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (*lifetime) HandleRPC(context.Context, stats.RPCStats) {}
