//go:build linux

package plugins_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/plugins/otlp"
	"github.com/spanloom/spanloom/propagation"
	"github.com/spanloom/spanloom/telemetry/providers"
)

// The test binary is the otlp backend too.
func init() {
	pluginhost.ServeIfBackend(func(string) (backend.Backend, bool) { return otlp.New(), true })
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program is what a user writes: a pipeline whose node makes telemetry with plain
// OpenTelemetry and slog, and the backends that it goes to.
type program struct {
	hosts     []*pluginhost.Host
	providers *providers.Providers
	conn      interface{ Close() error }

	tracer  trace.Tracer
	log     *slog.Logger
	counter metric.Int64Counter
	daily   *engine.Pipeline[[]int, []int]
}

// joined gives runs their place in a trace, and nodes a span in their contexts.
type joined struct {
	callbacks.Base
	propagation.OTel
}

func (joined) Hooks() callbacks.Hook { return 0 }

func start(t *testing.T, hosts ...pluginhost.Spec) *program {
	t.Helper()
	p := &program{}
	for _, spec := range hosts {
		p.hosts = append(p.hosts, pluginhost.Start(spec))
	}
	conn, err := pluginhost.NewConn(p.hosts...)
	if err != nil {
		t.Fatal(err)
	}
	p.conn = conn
	p.providers, err = providers.New(conn, providers.Config{Resource: resource.NewSchemaless(attribute.String("service.name", "shop"))})
	if err != nil {
		t.Fatal(err)
	}
	p.tracer = p.providers.TracerProvider().Tracer("shop")
	p.log = otelslog.NewLogger("shop", otelslog.WithLoggerProvider(p.providers.LoggerProvider()))
	if p.counter, err = p.providers.MeterProvider().Meter("shop").Int64Counter("shop.pages"); err != nil {
		t.Fatal(err)
	}
	fetch := engine.Node("fetch", func(ctx context.Context, i int) (int, error) {
		ctx, span := p.tracer.Start(ctx, "fetch page "+strconv.Itoa(i))
		defer span.End()
		p.log.InfoContext(ctx, "fetched", "page", i)
		p.counter.Add(ctx, 1)
		return i, nil
	})
	p.daily = engine.Define("daily", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, fetch, in)
	})
	return p
}

func (p *program) run(t *testing.T, pages int) {
	t.Helper()
	list := []callbacks.PipelineCallback{joined{}}
	for _, h := range p.hosts {
		list = append(list, h)
	}
	in := make([]int, pages)
	for i := range in {
		in[i] = i
	}
	if _, err := p.daily.Run(t.Context(), in, engine.Config{Callbacks: list}); err != nil {
		t.Fatal(err)
	}
}

// shutdown ends the program's telemetry in the order that it should be done in.
func (p *program) shutdown(t *testing.T, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	if err := p.providers.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	done := make(chan struct{}, len(p.hosts))
	for _, h := range p.hosts {
		go func() {
			_ = h.Shutdown(ctx)
			done <- struct{}{}
		}()
	}
	for range p.hosts {
		<-done
	}
	if err := p.conn.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > limit+500*time.Millisecond {
		t.Errorf("took %s of %s", d, limit)
	}
	for _, h := range p.hosts {
		if st := h.Stats(); st.Emitted != st.Delivered+st.Lost() || st.InFlight != 0 {
			t.Errorf("the ledger is wrong: %+v", st)
		}
	}
	if line, ok := p.providers.Lost(); ok {
		t.Error(line)
	}
}

// to returns a backend that exports to a collector.
func to(name string, c *otlptest.Collector, launch pluginhost.Launcher) pluginhost.Spec {
	return pluginhost.Spec{Name: name, Config: fmt.Appendf(nil, `{"endpoint": %q}`, c.Endpoint), Launch: launch, Service: backend.Service{Name: "shop"}}
}

const pages = 300

// TestAProgramsOwnTelemetryArrives: every span, measurement and log record of node
// code, at each of two backends, under the spans of the nodes.
func TestAProgramsOwnTelemetryArrives(t *testing.T) {
	collectors := []*otlptest.Collector{otlptest.Start(t, nil), otlptest.Start(t, nil)}
	p := start(t,
		to("process", collectors[0], pluginhost.Self(otlp.New())),
		to("inside", collectors[1], pluginhost.InProcess(otlp.New())))
	p.run(t, pages)
	p.shutdown(t, 20*time.Second)
	for i, c := range collectors {
		if line, ok := p.hosts[i].Lost(); ok {
			t.Error(line)
		}
		arrived(t, c, pages)
	}
	if st := p.providers.Stats(); st.Spans.Exported != pages || st.Logs.Exported != pages || st.Metrics.Exported != 1 {
		t.Errorf("%+v", st)
	}
}

// arrived checks what a collector got of a run.
func arrived(t *testing.T, c *otlptest.Collector, pages int) {
	t.Helper()
	items := map[string]int64{} // by span id
	users := map[string]string{}
	for _, s := range c.AllSpans() {
		id := hex.EncodeToString(s.GetSpanId())
		if s.GetName() == "map_item fetch" {
			for _, kv := range s.GetAttributes() {
				if kv.GetKey() == "spanloom.map.index" {
					items[id] = kv.GetValue().GetIntValue()
				}
			}
		}
		if strings.HasPrefix(s.GetName(), "fetch page ") {
			users[id] = s.GetName()
		}
	}
	if len(items) != pages || len(users) != pages {
		t.Errorf("%d spans of items and %d of the program, want %d", len(items), len(users), pages)
	}
	for _, s := range c.AllSpans() {
		if name := users[hex.EncodeToString(s.GetSpanId())]; name != "" {
			i, ok := items[hex.EncodeToString(s.GetParentSpanId())]
			if want := fmt.Sprint("fetch page ", i); !ok || name != want {
				t.Errorf("%s is under item %d", name, i)
			}
		}
	}
	records := c.Records()
	if len(records) != pages {
		t.Errorf("%d log records, want %d", len(records), pages)
	}
	for _, r := range records {
		page := r.GetAttributes()[0].GetValue().GetIntValue()
		if got := users[hex.EncodeToString(r.GetSpanId())]; r.GetBody().GetStringValue() != "fetched" || got != fmt.Sprint("fetch page ", page) {
			t.Errorf("%v is in span %q", r, got)
		}
	}
	points := c.Metrics()["shop.pages"].GetSum().GetDataPoints()
	if len(points) != 1 || points[0].GetAsInt() != int64(pages) {
		t.Errorf("metric %v, want %d", points, pages)
	}
	names := map[string]bool{}
	for _, r := range c.Resources() {
		for _, kv := range r.GetResource().GetAttributes() {
			if kv.GetKey() == "service.name" {
				names[kv.GetValue().GetStringValue()] = true
			}
		}
	}
	if len(names) != 1 || !names["shop"] {
		t.Errorf("services %v", names)
	}
}

// TestABackendIsKilled: the others get all, and so does its successor.
func TestABackendIsKilled(t *testing.T) {
	c := otlptest.Start(t, nil)
	p := start(t,
		to("killed", otlptest.Start(t, nil), pluginhost.Self(otlp.New())),
		to("inside", c, pluginhost.InProcess(otlp.New())))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.hosts[0].Ready(ctx); err != nil {
		t.Fatal(err)
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		time.Sleep(5 * time.Millisecond)
		for _, pid := range children(t) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	p.run(t, pages)
	<-killed
	p.shutdown(t, 20*time.Second)
	arrived(t, c, pages)
	line, _ := p.hosts[0].Lost()
	if st := p.hosts[0].Stats(); st.Restarts[pluginhost.Exited] == 0 || st.Delivered != st.Emitted {
		t.Errorf("%s: %+v", line, st)
	}
}

// TestACollectorHangs: what is pending at the end is counted, in the time there is.
func TestACollectorHangs(t *testing.T) {
	release := make(chan struct{})
	c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		<-release
		return &coltracepb.ExportTraceServiceResponse{}, nil
	})
	t.Cleanup(func() { close(release) })
	p := start(t, to("hanging", c, pluginhost.Self(otlp.New())))
	p.run(t, pages)
	p.shutdown(t, time.Second)
	line, ok := p.hosts[0].Lost()
	if !ok || !strings.Contains(line, "lost") {
		t.Errorf("%q", line)
	}
	t.Log(line)
}

// TestASmallQueue: what finds no room is dropped and counted, and nothing waits.
func TestASmallQueue(t *testing.T) {
	c := otlptest.Start(t, nil)
	small := to("small", c, pluginhost.Self(otlp.New()))
	small.QueueBytes = 32 << 10
	p := start(t, small)
	p.run(t, pages)
	p.shutdown(t, 20*time.Second)
	st := p.hosts[0].Stats()
	if st.Dropped[pluginhost.QueueFull] == 0 {
		t.Errorf("%+v", st)
	}
}

// children returns the processes that this one has started.
func children(t *testing.T) (list []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		data, _ := os.ReadFile(f)
		_, rest, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				list = append(list, pid)
			}
		}
	}
	return list
}
