package prometheustest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spanloom/spanloom/internal/prometheustest/prometheusbin"
	"github.com/spanloom/spanloom/internal/servertest"
)

// Server is a running Prometheus. Its methods are safe for concurrent use.
type Server struct {
	process *servertest.Process
	port    int
}

// Start runs a Prometheus of the test's own, which scrapes a page many times a
// second, and stops it when the test ends.
func Start(t testing.TB, page string) *Server {
	t.Helper()
	path, err := prometheusbin.Path()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		servertest.Missing(t, fmt.Sprintf("no Prometheus to test with: %v; `make prometheus` builds one (about a minute, once)", err))
	}
	target, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	s.process = servertest.Start(t, 1, func(free []int) (servertest.Command, error) {
		s.port = free[0]
		dir := t.TempDir()
		config := filepath.Join(dir, "prometheus.yaml")
		text := fmt.Appendf(nil, "scrape_configs:\n"+
			"  - {job_name: page, scrape_interval: 100ms, scrape_timeout: 100ms, honor_labels: true, metrics_path: %q, static_configs: [{targets: [%q]}]}\n",
			target.Path, target.Host)
		return servertest.Command{
			Name: "Prometheus", Path: path,
			Args: []string{
				"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=127.0.0.1:" + strconv.Itoa(s.port), "--log.level=warn",
			},
			Ready: servertest.URL(s.port, "/-/ready"),
		}, os.WriteFile(config, text, 0o600)
	})
	return s
}

// Sample is one series at one moment.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query returns the samples that an expression selects now.
// https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
func (s *Server) Query(ctx context.Context, expression string) ([]Sample, error) {
	status, body, err := servertest.Get(ctx, servertest.URL(s.port, "/api/v1/query?query="+url.QueryEscape(expression)))
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", expression, err)
	}
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("query %s: status %d: %s %w", expression, status, answer.Error, err)
	}
	list := make([]Sample, 0, len(answer.Data.Result))
	for _, r := range answer.Data.Result {
		var text string
		if err := json.Unmarshal(r.Value[1], &text); err != nil {
			return nil, fmt.Errorf("query %s: %w", expression, err)
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", expression, err)
		}
		list = append(list, Sample{r.Metric, v})
	}
	return list, nil
}
