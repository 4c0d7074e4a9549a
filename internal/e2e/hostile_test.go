//go:build unix

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// listen starts a server that does serve with each connection, and returns its URL.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// mute starts a collector that accepts, reads and never answers.
func mute(t *testing.T) string {
	t.Helper()
	return listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// collectors are what a program may meet in the place of one.
func collectors(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"never answers": mute(t),
		"never reads":   listen(t, func(net.Conn) {}),
		"hangs up":      listen(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }),
		"one byte each 10 ms": listen(t, func(c net.Conn) {
			for one := make([]byte, 1); ; time.Sleep(10 * time.Millisecond) {
				if _, err := c.Read(one); err != nil {
					return
				}
			}
		}),
		"says what it likes": listen(t, func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n\x00\x00\xff")); err != nil {
					return
				}
			}
		}),
		"is not there": "http://127.0.0.1:1",
	}
}

// TestRunsDoNotWaitForCollectors runs the same pipeline without telemetry and with
// collectors that behave badly, and reports what it took. What becomes of the
// events is known in each case; times are for people, as they depend on the machine.
func TestRunsDoNotWaitForCollectors(t *testing.T) {
	const items = 1000 // all of which have spans
	plain := fastest(t, items, nil)
	t.Logf("%-22s %8s", "without telemetry", plain)
	for name, url := range collectors(t) {
		for _, protocol := range []string{"grpc", "http/protobuf"} {
			tel := open(t, fmt.Sprintf("  service: { name: shop }\n  shutdown_timeout: 300ms\n  backends:\n"+
				"    - plugin: otlp\n      config: { endpoint: %q, protocol: %s }\n", url, protocol))
			took := fastest(t, items, tel.Callbacks())
			began := time.Now()
			lost := tel.Shutdown(t.Context())
			ended := time.Since(began)
			st := tel.Stats()[0]
			dropped := uint64(0)
			for _, n := range st.Dropped {
				dropped += n
			}
			t.Logf("%-22s %-14s %8s, %.2f times; shut down in %s: %v", name, protocol, took, float64(took)/float64(plain), ended.Round(time.Millisecond), lost)
			// What only says that something starts may be delivered: it makes no span.
			if spans := runs * (items + 2); st.Emitted != st.Delivered+dropped+st.InFlight || dropped < uint64(spans) || lost == nil {
				t.Errorf("%s, %s: %+v, %v", name, protocol, st, lost)
			}
			if ended > 800*time.Millisecond {
				t.Errorf("%s, %s: Shutdown took %s of 300ms", name, protocol, ended)
			}
		}
	}
}

const runs = 5

// fastest returns the time of the fastest of some runs whose nodes take a
// millisecond each.
func fastest(t *testing.T, items int, list []callbacks.PipelineCallback) time.Duration {
	t.Helper()
	work := engine.Node("work", func(_ context.Context, n int) (int, error) {
		time.Sleep(time.Millisecond)
		return n + 1, nil
	})
	p := engine.Define("load", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, work, in)
	})
	best := time.Hour
	for range runs {
		began := time.Now()
		out, err := p.Run(t.Context(), make([]int, items), engine.Config{Callbacks: list})
		if err != nil || len(out) != items || out[items-1] != 1 {
			t.Fatal(len(out), err)
		}
		best = min(best, time.Since(began).Round(10*time.Microsecond))
	}
	return best
}
