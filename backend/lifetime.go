package backend

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/stats"
)

// closeTimeout bounds how long an instance may take to close when the process
// has nobody left to work for.
const closeTimeout = 2 * time.Second

// lifetime ends the process when there is no host any more.
type lifetime struct {
	server *Server
	conns  atomic.Int64
	once   sync.Once
}

// watch begins to watch for what does not come over the connection.
func (l *lifetime) watch() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	signal.Ignore(os.Interrupt)
	parent := os.Getppid()
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-term:
				l.end()
			case <-tick.C:
				if os.Getppid() != parent {
					l.end()
				}
			}
		}
	}()
}

// end closes the instance and exits.
func (l *lifetime) end() {
	l.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		code := 0
		if err := l.server.Close(ctx); err != nil {
			_, _ = os.Stderr.WriteString("closing: " + err.Error() + "\n")
			code = 1
		}
		os.Exit(code)
	})
	select {} // another goroutine is exiting
}

// TagConn implements stats.Handler.
func (*lifetime) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler: it sees only connections whose
// certificate was accepted.
func (l *lifetime) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		l.conns.Add(1)
	case *stats.ConnEnd:
		if l.conns.Add(-1) == 0 {
			go l.end()
		}
	}
}

// TagRPC implements stats.Handler.
func (*lifetime) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (*lifetime) HandleRPC(context.Context, stats.RPCStats) {}
