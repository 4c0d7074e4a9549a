package propagation

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// serve returns a server and the headers that it received.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *http.Header) {
	t.Helper()
	var got http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &got
}

func get(t *testing.T, c *http.Client, r *http.Request) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// TestEgress looks at what leaves: baggage only for known hosts, also after a
// redirect to an unknown one, and the span always.
func TestEgress(t *testing.T) {
	unknown, atUnknown := serve(t, func(http.ResponseWriter, *http.Request) {})
	elsewhere := strings.Replace(unknown.URL, "127.0.0.1", "localhost", 1)
	known, atKnown := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusFound)
	})
	client := &http.Client{Transport: Config{Hosts: []string{"127.0.0.1"}}.Transport(nil)}
	defer client.CloseIdleConnections()

	r, err := http.NewRequestWithContext(Extract(t.Context(), came), http.MethodGet, known.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["baggage"] = []string{"raw=1"} // goes out if nobody looks for it
	r.Header.Set("Tracestate", "old=1")
	get(t, client, r)

	if got := atKnown.Values("Baggage"); len(got) != 1 || got[0] != "user=anna" {
		t.Errorf("a known host got baggage %q", got)
	}
	if got := atUnknown.Values("Baggage"); len(got) != 0 {
		t.Errorf("an unknown host got baggage %q", got)
	}
	for _, h := range []*http.Header{atKnown, atUnknown} {
		if h.Get("Traceparent") != valid || h.Get("Tracestate") != "a=1" {
			t.Errorf("got traceparent %q, tracestate %q", h.Get("Traceparent"), h.Get("Tracestate"))
		}
	}
	if len(r.Header) != 2 || r.Header.Get("Tracestate") != "old=1" {
		t.Errorf("the request was changed: %v", r.Header)
	}
}

func TestRequestWithoutHeader(t *testing.T) {
	s, got := serve(t, func(http.ResponseWriter, *http.Request) {})
	client := &http.Client{Transport: Config{}.Transport(http.DefaultTransport)}
	defer client.CloseIdleConnections()
	r := httptest.NewRequestWithContext(Extract(t.Context(), came), http.MethodGet, s.URL, nil)
	r.Header, r.RequestURI = nil, ""
	resp, err := client.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got.Get("Traceparent") != valid {
		t.Errorf("headers %v", *got)
	}
}

func TestMiddleware(t *testing.T) {
	for trust, want := range map[bool]string{false: strings.Repeat("0", 16), true: spanID} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Traceparent", valid)
		Config{TrustIncoming: trust}.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := trace.SpanContextFromContext(r.Context()).SpanID().String(); got != want {
				t.Errorf("trust %t: the handler runs under span %s, want %s", trust, got, want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}
