package otlpclient

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

// canary is the key of every client here.
const canary = "s3cret-canary"

// open returns a client by a config, which gets a key.
func open(t *testing.T, config map[string]any) *Client {
	t.Helper()
	all := map[string]any{"timeout": "5s", "auth": map[string]any{"api_key": map[string]any{"header": "api-key", "value": canary}}}
	maps.Copy(all, config)
	js, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	s, err := otlpconfig.Resolve(backend.Config{JSON: js}, otlpconfig.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func overHTTPTo(t *testing.T, endpoint, timeout string) *Client {
	t.Helper()
	return open(t, map[string]any{"endpoint": endpoint, "protocol": "http/protobuf", "timeout": timeout})
}

func overGRPCTo(t *testing.T, endpoint, timeout string) *Client {
	t.Helper()
	return open(t, map[string]any{"endpoint": endpoint, "timeout": timeout})
}

// spans is a request of n spans.
func spans(n int) *coltracepb.ExportTraceServiceRequest {
	list := make([]*tracepb.Span, n)
	for i := range list {
		list[i] = &tracepb.Span{Name: fmt.Sprint("span ", i)}
	}
	return &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{
		{ScopeSpans: []*tracepb.ScopeSpans{{Spans: list}}},
	}}
}

// fails sends and wants an error with all the words, and without the key.
func fails(t *testing.T, c *Client, words ...string) {
	t.Helper()
	begin := time.Now()
	err := c.Send(t.Context(), spans(3))
	if d := time.Since(begin); d > c.settings.Timeout+time.Second {
		t.Errorf("Send took %s with a timeout of %s", d, c.settings.Timeout)
	}
	if err == nil {
		t.Fatalf("no error, want %q", words)
	}
	for _, w := range append(words, "export to "+c.settings.Endpoint.String()+": ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want %q in it", err, w)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the key is shown: %v", err)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1000 {
		t.Errorf("not a short line: %q", err)
	}
}

func TestTraces(t *testing.T) {
	for _, compression := range []string{"none", "gzip"} {
		t.Run("grpc "+compression, func(t *testing.T) {
			s := otlptest.Start(t, nil)
			c := open(t, map[string]any{"endpoint": s.Endpoint, "compression": compression})
			if err := c.Send(t.Context(), spans(2)); err != nil {
				t.Fatal(err)
			}
			h := s.Headers()
			if len(s.Spans()) != 2 || h.Get("api-key")[0] != canary || !strings.HasPrefix(h.Get("user-agent")[0], "spanloom/") {
				t.Errorf("%d spans, headers %v", len(s.Spans()), h)
			}
			if got := h.Get("grpc-accept-encoding"); compression == "gzip" && len(got) == 0 {
				t.Errorf("headers %v", h)
			}
		})
		t.Run("http "+compression, func(t *testing.T) {
			s := otlptest.StartHTTP(t, nil, nil)
			c := open(t, map[string]any{"endpoint": s.Endpoint, "protocol": "http/protobuf", "compression": compression})
			if err := c.Send(t.Context(), spans(2)); err != nil {
				t.Fatal(err)
			}
			r := s.Requests()[0]
			var got coltracepb.ExportTraceServiceRequest
			if err := proto.Unmarshal(r.Body, &got); err != nil || count(&got) != 2 {
				t.Errorf("%v, %v", &got, err)
			}
			if r.Path != "/v1/traces" || r.Header.Get("Api-Key") != canary || r.Header.Get("Content-Type") != contentProto ||
				!strings.HasPrefix(r.Header.Get("User-Agent"), "spanloom/") || (r.Header.Get("Content-Encoding") == "gzip") != (compression == "gzip") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestOtherSignals(t *testing.T) {
	s := otlptest.StartHTTP(t, nil, nil)
	c := overHTTPTo(t, s.Endpoint+"/base", "5s")
	for _, r := range []proto.Message{&colmetricspb.ExportMetricsServiceRequest{}, &collogspb.ExportLogsServiceRequest{}} {
		if err := c.Send(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	if r := s.Requests(); len(r) != 2 || r[0].Path != "/base/v1/metrics" || r[1].Path != "/base/v1/logs" {
		t.Errorf("%+v", r)
	}
	if err := c.Send(t.Context(), &tracepb.Span{}); err == nil {
		t.Error("a span alone is sent")
	}
}

func TestPartialSuccess(t *testing.T) {
	logs := &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: make([]*logspb.LogRecord, 4)}}}}}
	for name, tc := range map[string]struct {
		request, reply proto.Message
		want           string
	}{
		"spans": {
			spans(3), &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "too\x1b[31m old for " + canary}},
			"the collector rejected 2 of 3 spans: too\uFFFD[31m old for ***",
		},
		"more than all": {
			spans(3), &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 1 << 62}},
			"the collector rejected 3 of 3 spans",
		},
		"less than none": {spans(3), &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: -1}}, ""},
		"warning":        {spans(3), &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{ErrorMessage: "slow"}}, ""},
		"metrics": {
			&colmetricspb.ExportMetricsServiceRequest{}, &colmetricspb.ExportMetricsServiceResponse{PartialSuccess: &colmetricspb.ExportMetricsPartialSuccess{RejectedDataPoints: 7}},
			"the collector rejected 7 data points",
		},
		"logs": {
			logs, &collogspb.ExportLogsServiceResponse{PartialSuccess: &collogspb.ExportLogsPartialSuccess{RejectedLogRecords: 1, ErrorMessage: "x"}},
			"the collector rejected 1 of 4 log records: x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, content := range []string{contentProto, contentProto + "; charset=utf-8", contentJSON} {
				s := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", content)
					_, _ = w.Write(encode(t, content, tc.reply))
				})
				err := overHTTPTo(t, s.Endpoint, "5s").Send(t.Context(), tc.request)
				got := ""
				if err != nil {
					_, got, _ = strings.Cut(err.Error(), s.Endpoint+": ")
				}
				if got != tc.want {
					t.Errorf("%s: %q, want %q", content, got, tc.want)
				}
				if len(s.Requests()) != 1 {
					t.Errorf("%d requests, want 1: what was taken is not sent again", len(s.Requests()))
				}
			}
		})
	}
}

// TestTLS goes through what can be wrong with certificates, and how to mend it.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca := otlptest.NewAuthority(t)
	cert, key := ca.Issue(t, "client")
	for name, tc := range map[string]struct {
		server *tls.Config
		tls    map[string]any
		want   string
	}{
		"right":         {ca.Server(t, "127.0.0.1", false), map[string]any{"ca": ca.PEM}, ""},
		"unknown":       {ca.Server(t, "127.0.0.1", false), map[string]any{}, "give the authority's certificate as tls.ca"},
		"other name":    {ca.Server(t, "collector.example", false), map[string]any{"ca": ca.PEM}, "x509"},
		"named":         {ca.Server(t, "collector.example", false), map[string]any{"ca": ca.PEM, "server_name": "collector.example"}, ""},
		"wrongly named": {ca.Server(t, "collector.example", false), map[string]any{"ca": ca.PEM, "server_name": "x.example"}, "as tls.server_name"},
		"mutual":        {ca.Server(t, "127.0.0.1", true), map[string]any{"ca": ca.PEM, "cert": cert, "key": key}, ""},
		"plain":         {nil, map[string]any{"ca": ca.PEM}, "for plain text write http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			security := grpc.EmptyServerOption{}
			var g *otlptest.Collector
			if tc.server == nil {
				g = otlptest.Start(t, nil, security)
			} else {
				g = otlptest.Start(t, nil, grpc.Creds(credentials.NewTLS(tc.server.Clone())))
			}
			h := otlptest.StartHTTP(t, tc.server.Clone(), nil)
			for endpoint, protocol := range map[string]string{g.Endpoint: "grpc", h.Endpoint: "http/protobuf"} {
				endpoint = "https://" + strings.TrimPrefix(strings.TrimPrefix(endpoint, "http://"), "https://")
				c := open(t, map[string]any{"endpoint": endpoint, "protocol": protocol, "timeout": "9s", "tls": tc.tls})
				if tc.want != "" {
					begin := time.Now()
					fails(t, c, tc.want)
					if d := time.Since(begin); d > 8*time.Second {
						t.Errorf("%s: a certificate was tried again for %s", protocol, d)
					}
				} else if err := c.Send(t.Context(), spans(1)); err != nil {
					t.Errorf("%s: %v", protocol, err)
				}
			}
		})
	}
}

func TestStop(t *testing.T) {
	hang, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hang.Close()
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		c := open(t, map[string]any{"endpoint": "http://" + hang.Addr().String(), "protocol": protocol})
		sent := make(chan error, 1)
		begin := time.Now()
		go func() { sent <- c.Send(context.Background(), spans(1)) }()
		time.AfterFunc(50*time.Millisecond, func() { _ = c.Stop() })
		if err := <-sent; err == nil || time.Since(begin) > 3*time.Second {
			t.Errorf("%s: Send returned %v after %s", protocol, err, time.Since(begin))
		}
		if err := c.Send(t.Context(), spans(1)); err == nil {
			t.Errorf("%s: a stopped client sends", protocol)
		}
	}
}
