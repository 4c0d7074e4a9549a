package propagation

import "net/http"

// Middleware returns a handler that gives next the context that
// [Config.Receive] makes of a request's header.
func (c Config) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(c.Receive(r.Context(), Header(r.Header))))
	})
}

// Transport returns a transport that sends the span of each request's context
// with it, and the baggage if the host is one of Hosts, as [Config.Send] does.
// After a redirect the new host counts. A base that is nil is
// [http.DefaultTransport].
func (c Config) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base: base, config: c}
}

type transport struct {
	base   http.RoundTripper
	config Config
}

// RoundTrip implements http.RoundTripper: it leaves the request as it is and
// sends a copy.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Header == nil {
		r.Header = http.Header{}
	}
	t.config.Send(r.Context(), Header(r.Header), r.URL.Hostname())
	return t.base.RoundTrip(r)
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
