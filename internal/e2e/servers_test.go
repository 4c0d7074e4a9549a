//go:build unix

package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/jaegertest"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/internal/prometheustest"
	"github.com/spanloom/spanloom/internal/servertest"
)

// TestServersHaveWhatTheHooksSaid has nested pipelines, a map with failures,
// retries, stored results, a panic, and nodes that make telemetry of their own: a
// Jaeger, a Collector and what that sends on, and a Prometheus behind it have all of
// it, as it was, once, and nothing else.
func TestServersHaveWhatTheHooksSaid(t *testing.T) {
	behind := otlptest.Start(t, nil)
	collector := jaegertest.StartCollector(t, behind.Endpoint)
	store := jaegertest.Start(t)
	prom := prometheustest.Start(t, collector.MetricsURL())

	tel := open(t, `  service: { name: shop, version: "7", mode: prod }
  sampling: { ratio: 1 }
  logs: { level: info }
  shutdown_timeout: 30s
  backends:
    - plugin: otlp
      config: { batch: low_latency, endpoint: "`+collector.OTLPEndpoint()+`" }
    - plugin: jaeger
      config: { batch: low_latency, endpoint: "`+store.OTLPEndpoint()+`" }
`)
	s := newShop(t, tel)
	s.open(t)
	began := time.Now()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("shut down in %s", time.Since(began).Round(time.Millisecond))
	for _, st := range tel.Stats() {
		t.Logf("%s: %+v", st.Name, st)
	}
	want, ids := s.said(t), traces(s.hooks.Events())
	t.Logf("%d spans in %d traces, %d series", len(want), len(ids), len(s.measured()))

	t.Run("spans", func(t *testing.T) {
		await(t, func() string {
			if n := len(behind.AllSpans()); n < len(want) {
				return fmt.Sprintf("%d of %d spans came through the Collector", n, len(want))
			}
			return ""
		})
		for _, one := range []struct {
			where     string
			want, got map[string]span
		}{
			{"Jaeger", lengthened(want), inJaeger(t, store, want)},
			{"the Collector", lengthened(want), inJaeger(t, collector, want)},
			{"what the Collector sends on", want, inOTLP(t, behind.Resources())},
		} {
			if diff := cmp.Diff(one.want, one.got); diff != "" {
				t.Errorf("the program (-) and %s (+) differ:\n%s", one.where, diff)
			}
		}
		for _, server := range []*jaegertest.Server{store, collector} {
			if got := allTraces(t, server); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
				t.Errorf("traces %v, want those of the runs, %v", got, ids)
			}
		}
	})
	t.Run("metrics", func(t *testing.T) {
		expected := s.measured()
		await(t, func() string {
			got := otlpPoints(behind.Metrics())
			maps.DeleteFunc(got, func(key string, _ point) bool { return !ofRuns(key) })
			return cmp.Diff(expected.points(), got)
		})
		await(t, func() string {
			samples, err := prom.Query(t.Context(), `{__name__=~"spanloom_.*|shop_.*"}`)
			if err != nil {
				return err.Error()
			}
			got := scraped(samples)
			maps.DeleteFunc(got, func(key string, _ float64) bool { return !ofRuns(key) })
			return cmp.Diff(expected.prometheus(), got)
		})
		s.spent(t, behind)
		s.exemplars(t, behind, want)
		for name := range behind.Metrics() {
			if !slices.ContainsFunc([]string{"spanloom.", "shop.", "go.", "process."}, func(p string) bool { return strings.HasPrefix(name, p) }) {
				t.Errorf("metric %s is of neither runs, the shop nor the process", name)
			}
		}
	})
	t.Run("logs", func(t *testing.T) {
		await(t, func() string { return cmp.Diff(s.records, logged(behind)) })
		for _, trace := range ids { // as the debug exporter prints it
			if !strings.Contains(collector.Logs(), "Trace ID: "+trace) {
				t.Errorf("the Collector's own page has no record of trace %s", trace)
			}
		}
	})
}

// ofRuns reports whether the hooks decide what a series says. Those of queues, workers
// and backends depend on when somebody looks, and coins come in fractions.
func ofRuns(key string) bool {
	name := strings.ReplaceAll(key, "_", ".")
	for _, other := range [...]string{"spanloom.callback.", "spanloom.backend.", "spanloom.worker."} {
		if strings.HasPrefix(name, other) {
			return false
		}
	}
	return strings.HasPrefix(name, "spanloom.") || strings.HasPrefix(name, "shop.orders")
}

// spent holds a metric that is a fraction, whose sum depends on the order.
func (s *shop) spent(t *testing.T, behind *otlptest.Collector) {
	t.Helper()
	want := 0.0
	for n := range orders * 3 / 2 { // each was computed once
		want += 0.1 * float64(n)
	}
	points := behind.Metrics()["shop.spent"].GetSum().GetDataPoints()
	if len(points) != 1 || math.Abs(points[0].GetAsDouble()-want) > 1e-9 {
		t.Errorf("shop.spent %v, want %v", points, want)
	}
}

// exemplars lead to spans that are there.
func (s *shop) exemplars(t *testing.T, behind *otlptest.Collector, spans map[string]span) {
	t.Helper()
	n := 0
	for name, m := range behind.Metrics() {
		for _, p := range m.GetHistogram().GetDataPoints() {
			for _, e := range p.GetExemplars() {
				n++
				if one, ok := spans[hex.EncodeToString(e.GetSpanId())]; !ok || one.Trace != hex.EncodeToString(e.GetTraceId()) {
					t.Errorf("an exemplar of %s leads nowhere", name)
				}
			}
		}
	}
	if n == 0 {
		t.Error("there are no exemplars")
	}
}

// logged returns the messages of the shop by trace and span id.
func logged(behind *otlptest.Collector) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, r := range behind.Records() {
		message := r.GetBody().GetStringValue()
		if what, _, _ := strings.Cut(message, " "); !slices.Contains([]string{"fetch", "price", "report", "check"}, what) {
			continue
		}
		place := hex.EncodeToString(r.GetTraceId()) + " " + hex.EncodeToString(r.GetSpanId())
		if found[place] == nil {
			found[place] = map[string]bool{}
		}
		found[place][message] = true
	}
	return found
}

// await polls until problem has nothing more to say.
func await(t *testing.T, problem func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		text := problem()
		if text == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Error(text)
			return
		case <-time.After(servertest.PollInterval):
		}
	}
}

// allTraces returns the ids of all traces that a Jaeger has, of whatever service.
func allTraces(t *testing.T, server *jaegertest.Server) []string {
	t.Helper()
	get := func(path string, into any) {
		status, body, err := servertest.Get(t.Context(), server.QueryEndpoint()+path)
		if err == nil {
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			t.Fatalf("%s: status %d: %v", path, status, err)
		}
	}
	var services struct{ Data []string }
	get("/api/services", &services)
	found := map[string]bool{}
	for _, service := range services.Data {
		var list struct {
			Data []struct {
				TraceID string `json:"traceID"`
			}
		}
		get("/api/traces?limit=1000&lookback=1h&service="+service, &list)
		for _, one := range list.Data {
			found[one.TraceID] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
