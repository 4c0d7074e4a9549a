package jaegertest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/spanloom/spanloom/internal/jaegertest/jaegerbin"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	pollInterval = 25 * time.Millisecond
	startTries   = 3 // a port that was free may be taken before Jaeger listens
)

//go:embed jaeger.yaml
var configText string

// Server is a running Jaeger. Its methods are safe for concurrent use.
type Server struct {
	ports  ports
	output buffer
	cmd    *exec.Cmd
	guard  *exec.Cmd     // ends cmd when this test process dies
	exited chan struct{} // closed when cmd has ended
}

type ports struct{ Health, Query, QueryGRPC, OTLP, OTLPHTTP, Metrics int }

// Start runs a Jaeger of the test's own, ready to receive, and stops it when
// the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	path, err := jaegerbin.Path()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		message := fmt.Sprintf("no Jaeger to test with: %v; `make jaeger` builds one (about five minutes, once)", err)
		if os.Getenv("SPANLOOM_REQUIRE_SERVERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	var failures []error
	for range startTries {
		s, err := start(t, path)
		if err == nil {
			t.Cleanup(func() { s.stop(t) })
			return s
		}
		failures = append(failures, err)
	}
	t.Fatalf("start Jaeger: %v", errors.Join(failures...))
	return nil
}

func start(t testing.TB, path string) (*Server, error) {
	t.Helper()
	free, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	s := &Server{
		ports:  ports{free[0], free[1], free[2], free[3], free[4], free[5]},
		exited: make(chan struct{}),
	}
	config := filepath.Join(t.TempDir(), "jaeger.yaml")
	if err := writeConfig(config, s.ports); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(path, "--config", config)
	// Jaeger would send its own traces to whatever listens on port 4317.
	s.cmd.Env = append(os.Environ(), "OTEL_TRACES_SAMPLER=always_off")
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if s.guard, err = startGuard(s.cmd.Process.Pid); err != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		return nil, err
	}
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait() // why it ended is in its output
	}()
	if err := s.waitReady(t.Context()); err != nil {
		s.stop(t)
		return nil, fmt.Errorf("%w\n%s", err, s.Logs())
	}
	return s, nil
}

// startGuard starts a shell that ends a process when its standard input is
// closed, which the kernel does when this process ends in any way: a test that
// runs into its timeout runs no cleanup.
func startGuard(pid int) (*exec.Cmd, error) {
	guard := exec.Command("/bin/sh", "-c", `read -r _; kill "$0"`, strconv.Itoa(pid))
	if _, err := guard.StdinPipe(); err != nil {
		return nil, err
	}
	return guard, guard.Start()
}

// freePorts asks the kernel for ports, holding each until all are found.
func freePorts(n int) ([]int, error) {
	free := make([]int, n)
	for i := range free {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		free[i] = l.Addr().(*net.TCPAddr).Port
	}
	return free, nil
}

func writeConfig(path string, p ports) error {
	tmpl, err := template.New("jaeger.yaml").Parse(configText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := tmpl.Execute(&text, p); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if status, _, err := get(ctx, url(s.ports.Health, "/status")); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("it ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v", startTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// stop ends this process and no other, and waits until it is gone.
func (s *Server) stop(t testing.TB) {
	t.Helper()
	_ = s.guard.Process.Kill() // first: the process id may be another's soon
	_ = s.guard.Wait()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
	select {
	case <-s.exited:
		return
	case <-time.After(stopTimeout):
		t.Errorf("Jaeger did not stop within %v", stopTimeout)
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// OTLPEndpoint is where OTLP is received over gRPC, without TLS.
func (s *Server) OTLPEndpoint() string { return url(s.ports.OTLP, "") }

// OTLPHTTPEndpoint is where OTLP is received over HTTP: the base to which
// /v1/traces, /v1/metrics or /v1/logs is added.
func (s *Server) OTLPHTTPEndpoint() string { return url(s.ports.OTLPHTTP, "") }

// QueryEndpoint is the base of Jaeger's query API.
func (s *Server) QueryEndpoint() string { return url(s.ports.Query, "") }

// MetricsURL is the page where received metrics are shown in Prometheus form.
func (s *Server) MetricsURL() string { return url(s.ports.Metrics, "/metrics") }

// Logs returns what Jaeger has printed so far: its own warnings, and every
// metric and log record it received.
func (s *Server) Logs() string { return s.output.String() }

func url(port int, path string) string {
	return "http://127.0.0.1:" + strconv.Itoa(port) + path
}

// get fetches a page of at most 64 MiB.
func get(ctx context.Context, url string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return res.StatusCode, body, err
}

// buffer is a bytes.Buffer for one writer and any readers.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
