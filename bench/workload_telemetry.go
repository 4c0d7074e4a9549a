package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/telemetry"
)

// Spanloom with what a manifest switches on, in processes of their own.
const (
	consoleName = Spanloom + "+console"   // spans
	spansName   = Spanloom + "+jaeger"    // spans, as OTLP
	otlpName    = Spanloom + "+otlp"      // spans and metrics
	allOnName   = Spanloom + "+otlp+info" // spans, metrics, and logs as they are by default
	addsName    = allOnName + "-adds"     // what these add, measured beside a run without

	// unsampledName makes spans, but not of the runs that are measured.
	unsampledName = Spanloom + "+unsampled"
)

// runsAtOnce is how many runs a job makes before it waits until their telemetry is
// where it belongs: a run after a wait would be one on cold caches.
const runsAtOnce = 20

// Telemetry returns the workloads with telemetry, and what they are compared
// with. It starts backends, and a collector for which main calls [ServeSink]. The
// returned function ends what was started.
func Telemetry(s Sizes) ([]Workload, func() error, error) {
	t := &telemetryBench{sizes: s}
	err := t.open()
	if err == nil {
		err = t.baselines()
	}
	if err != nil {
		return nil, nil, errors.Join(err, t.close())
	}
	return t.list, t.close, nil
}

type telemetryBench struct {
	sizes Sizes
	list  []Workload
	ends  []func() error
}

func (t *telemetryBench) close() error {
	var errs []error
	for _, end := range slices.Backward(t.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

func (t *telemetryBench) add(name, engine string, makeJob func() (Job, error)) {
	t.list = append(t.list, Workload{Name: name, Engine: engine, Nodes: t.sizes.Chain, Make: makeJob})
}

// thread adds what chains cost on the goroutine that runs their nodes.
func (t *telemetryBench) thread(engine string, makeJob func() (Job, error)) {
	t.counted(threadName, engine, onThread(makeJob))
}

// processes adds what chains cost in all, with the processes of others.
func (t *telemetryBench) processes(engine string, others []int, makeJob func() (Job, error)) {
	t.counted(processesName, engine, ofProcesses(others, makeJob))
}

func (t *telemetryBench) counted(name, engine string, makeJob func() (Job, error)) {
	if canCount {
		t.list = append(t.list, Workload{Name: name, Engine: engine, Nodes: runsAtOnce * t.sizes.Chain, Make: makeJob})
	}
}

func (t *telemetryBench) open() error {
	sink, err := newSink(0)
	if err != nil {
		return err
	}
	t.ends = append(t.ends, sink.close)
	// By default requests are 200 ms apart, for which all but W6 would wait.
	otlp := fmt.Sprintf("{ endpoint: %q, batch: { size: 512, linger: 1ms } }", sink.endpoint)
	byDefault := fmt.Sprintf("{ endpoint: %q }", sink.endpoint)

	quiet := often(runsAtOnce, chainJob(t.sizes.Chain, listeningChain()))
	t.thread(Spanloom, quiet)
	t.processes(Spanloom, nil, quiet)
	for _, b := range []struct{ engine, plugin, config, level string }{
		{consoleName, "console", "{}", ""},
		{spansName, "jaeger", otlp, ""},
		{otlpName, "otlp", otlp, ""},
		{allOnName, "otlp", otlp, "info"},
	} {
		before, _ := children()
		tel, err := open(b.plugin, b.config, b.level)
		if err != nil {
			return err
		}
		t.ends = append(t.ends, func() error { return tel.Shutdown(context.Background()) })
		after, _ := children()
		backend := slices.DeleteFunc(after, func(pid int) bool { return slices.Contains(before, pid) })
		chain := chainJob(t.sizes.Chain, listeningChain(tel.Callbacks()...))
		chains := often(runsAtOnce, chain)

		switch b.engine {
		case consoleName, otlpName:
			t.add(chainName, b.engine, settled(tel, chain))
		case spansName, allOnName:
			want := runsAtOnce * (t.sizes.Chain + 1) // with the run's own
			t.processes(b.engine, backend, shipped(tel, sink, want, chains))
		}
		if b.engine != consoleName {
			t.thread(b.engine, settled(tel, chains))
		}
	}
	tel, err := open("otlp", byDefault, "info")
	if err != nil {
		return err
	}
	t.ends = append(t.ends, func() error { return tel.Shutdown(context.Background()) })
	t.list = append(t.list, pipelines(t.sizes, tel.Callbacks()...)...)
	spans := telemetry.NewCallback(telemetry.Exporters{Spans: nowhere{}})
	t.ends = append(t.ends, func() error { return spans.Shutdown(context.Background()) })
	unsampled := chainJob(t.sizes.Chain, listeningChain(telemetry.Sampler{}, spans))
	t.add(chainName, unsampledName, unsampled)
	t.thread(unsampledName, often(runsAtOnce, unsampled))
	return nil
}

// baselines adds what an author would write by hand.
func (t *telemetryBench) baselines() error {
	chains := func(build func(n int) (step, error)) func() (Job, error) {
		return often(runsAtOnce, chainJob(t.sizes.Chain, build))
	}
	want := runsAtOnce * (t.sizes.Chain + 1)
	var counted tally
	batched := newSpanMaker(&counted, 2*want)
	t.thread(otelSpanName, batched.flushed(false, &counted.spans, want, chains(batched.chain)))

	m, err := newMeters()
	if err != nil {
		return err
	}
	t.thread(otelMetricsName, chains(instrumentedChain(nothing, m.node)))

	var id trace.SpanContextConfig
	id.TraceID[0], id.SpanID[0] = 1, 1
	t.thread(slogName, chains(instrumentedChain(nothing, slogNode(trace.NewSpanContext(id)))))

	var encoded marshaller
	exporter, err := otlptrace.New(context.Background(), &encoded)
	if err != nil {
		return err
	}
	marshalled := newSpanMaker(exporter, 2*want)
	t.processes(otelSpanName, nil, marshalled.flushed(true, &encoded.spans, want, chains(marshalled.chain)))
	t.ends = append(t.ends,
		func() error { return batched.provider.Shutdown(context.Background()) },
		func() error { return marshalled.provider.Shutdown(context.Background()) })
	return nil
}

// nowhere is an exporter that is not called.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("a run was sampled")
}

func (nowhere) Shutdown(context.Context) error { return nil }

// settled has a job's check wait until the backends have everything.
func settled(tel *spanloom.Telemetry, makeJob func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		check := j.Check
		j.Check = func() error { return errors.Join(check(), delivered(tel)) }
		return j, err
	}
}

// shipped has a job run until the collector has what it makes: spans, want of
// them, of which none may be missing.
func shipped(tel *spanloom.Telemetry, s *sink, want int, makeJob func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		if err != nil {
			return j, err
		}
		before, err := s.spans()
		run, check := j.Run, j.Check
		j.Run = func() error { return errors.Join(run(), delivered(tel)) }
		j.Check = func() error {
			after, err := s.spans()
			got := after - before
			before = after
			if err == nil && got != want {
				err = fmt.Errorf("%d spans have arrived, want %d", got, want)
			}
			return errors.Join(err, check())
		}
		return j, err
	}
}

// delivered has the backends export the events of what has run, and says whether
// any is lost. [spanloom.Telemetry.Flush] would export metrics too, which happens
// once a minute.
func delivered(tel *spanloom.Telemetry) error {
	errs := []error{flushed(tel)}
	for _, s := range tel.Stats() {
		if lost := s.Lost(); lost > 0 {
			errs = append(errs, fmt.Errorf("backend %q: %d events are lost", s.Name, lost))
		}
	}
	return errors.Join(errs...)
}

// flushed has the backends export the events of what has run.
func flushed(tel *spanloom.Telemetry) error {
	var errs []error
	for _, cb := range tel.Callbacks() {
		if pin, ok := cb.(interface {
			Unwrap() callbacks.PipelineCallback
		}); ok {
			cb = pin.Unwrap()
		}
		if host, ok := cb.(interface {
			Flush(ctx context.Context) error
		}); ok {
			errs = append(errs, host.Flush(context.Background()))
		}
	}
	return errors.Join(errs...)
}

// open opens telemetry with one backend, and with logs if there is a level.
func open(plugin, config, level string) (*spanloom.Telemetry, error) {
	return openEntry(fmt.Sprintf("{ plugin: %s, required: true, config: %s }", plugin, config), level)
}

// openEntry is open with the whole entry of the manifest.
func openEntry(entry, level string) (*spanloom.Telemetry, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "spanloom.yaml")
	text := "version: \"1\"\ntelemetry:\n"
	if level != "" {
		text += fmt.Sprintf("  logs: { level: %s }\n", level)
	}
	text += fmt.Sprintf("  backends: [%s]\n", entry)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	// The console's trees, and lines of logs, would hide the table.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	os.Stderr = null
	return spanloom.Open(context.Background(), spanloom.WithManifest(path), spanloom.AllowUnlocked())
}
