package backend

import (
	"net"
	"time"
)

// waiting closes each connection after a time, unless it is to stay.
type waiting struct {
	net.Listener

	patience time.Duration
}

// Accept implements net.Listener.
func (w waiting) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // it is gRPC's to judge
	}
	return &guest{conn, time.AfterFunc(w.patience, func() { _ = conn.Close() })}, nil
}

// guest is a connection that is closed unless it is to stay.
type guest struct {
	net.Conn

	leave *time.Timer
}

// stay keeps it. It is false when that is too late.
func (g *guest) stay() bool { return g.leave.Stop() }

// Close implements net.Conn.
func (g *guest) Close() error {
	g.leave.Stop()
	return g.Conn.Close() //nolint:wrapcheck // as in Accept
}

// RemoteAddr implements net.Conn. The address leads back to the connection, also from
// one that TLS has made of it.
func (g *guest) RemoteAddr() net.Addr { return guestAddr{g.Conn.RemoteAddr(), g} }

// guestAddr is the address of a guest.
type guestAddr struct {
	net.Addr

	guest *guest
}
