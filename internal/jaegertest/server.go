package jaegertest

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/spanloom/spanloom/internal/jaegertest/jaegerbin"
	"github.com/spanloom/spanloom/internal/servertest"
)

//go:embed jaeger.yaml
var configText string

// Server is a running Jaeger. Its methods are safe for concurrent use.
type Server struct {
	process *servertest.Process
	ports   ports
}

type ports struct{ Health, Query, QueryGRPC, OTLP, OTLPHTTP, Metrics int }

// Start runs a Jaeger of the test's own, ready to receive, and stops it when
// the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartCollector(t, "")
}

// StartCollector is Start with a Jaeger that also sends on all it receives, by OTLP
// over gRPC without TLS, to a URL such as http://127.0.0.1:4317: what comes there
// is what a Collector made of it. An empty URL is nobody's.
func StartCollector(t testing.TB, to string) *Server {
	t.Helper()
	path, err := jaegerbin.Path()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		servertest.Missing(t, fmt.Sprintf("no Jaeger to test with: %v; `make jaeger` builds one (about five minutes, once)", err))
	}
	s := &Server{}
	s.process = servertest.Start(t, 6, func(free []int) (servertest.Command, error) {
		s.ports = ports{free[0], free[1], free[2], free[3], free[4], free[5]}
		config := filepath.Join(t.TempDir(), "jaeger.yaml")
		return servertest.Command{
			Name: "Jaeger", Path: path, Args: []string{"--config", config},
			// Jaeger would send its own traces to whatever listens on port 4317.
			Env:   []string{"OTEL_TRACES_SAMPLER=always_off"},
			Ready: servertest.URL(s.ports.Health, "/status"),
		}, writeConfig(config, s.ports, to)
	})
	return s
}

func writeConfig(path string, p ports, to string) error {
	tmpl, err := template.New("jaeger.yaml").Parse(configText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := tmpl.Execute(&text, struct {
		ports

		To string
	}{p, to}); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

// OTLPEndpoint is where OTLP is received over gRPC, without TLS.
func (s *Server) OTLPEndpoint() string { return servertest.URL(s.ports.OTLP, "") }

// OTLPHTTPEndpoint is where OTLP is received over HTTP: the base to which
// /v1/traces, /v1/metrics or /v1/logs is added.
func (s *Server) OTLPHTTPEndpoint() string { return servertest.URL(s.ports.OTLPHTTP, "") }

// QueryEndpoint is the base of Jaeger's query API.
func (s *Server) QueryEndpoint() string { return servertest.URL(s.ports.Query, "") }

// MetricsURL is the page where received metrics are shown in Prometheus form.
func (s *Server) MetricsURL() string { return servertest.URL(s.ports.Metrics, "/metrics") }

// Logs returns what Jaeger has printed so far: its own warnings, and every
// metric and log record it received.
func (s *Server) Logs() string { return s.process.Output() }
