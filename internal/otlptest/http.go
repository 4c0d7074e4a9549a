package otlptest

import (
	"compress/gzip"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// HTTP is a collector of OTLP over HTTP, or something that behaves worse.
type HTTP struct {
	// Endpoint is its URL.
	Endpoint string

	mu       sync.Mutex
	requests []Request
}

// Request is what a collector was sent.
type Request struct {
	Path   string
	Header http.Header
	Body   []byte // decompressed
}

// StartHTTP starts a collector that ends with the test. answer answers the n-th
// request, counted from 1; nil means 200 and no body. With a config it speaks
// TLS.
func StartHTTP(t *testing.T, config *tls.Config, answer func(n int, w http.ResponseWriter, r *http.Request)) *HTTP {
	t.Helper()
	c := &HTTP{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			unpacked, err := gzip.NewReader(body)
			if err != nil {
				t.Errorf("the body is not gzip: %v", err)
				return
			}
			body = unpacked
		}
		text, _ := io.ReadAll(body)
		c.mu.Lock()
		c.requests = append(c.requests, Request{r.URL.EscapedPath(), r.Header.Clone(), text})
		n := len(c.requests)
		c.mu.Unlock()
		if answer != nil {
			answer(n, w, r)
		}
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of handshakes that are to fail
	if config != nil {
		s.TLS = config
		s.StartTLS()
	} else {
		s.Start()
	}
	c.Endpoint = s.URL
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return c
}

// Requests returns what was sent so far.
func (c *HTTP) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}
