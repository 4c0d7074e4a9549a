package spanloom_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/pluginhost"
)

// awayManifest names a collector that nobody has started.
func awayManifest(t *testing.T, endpoint string) (write func(plugin string)) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	t.Setenv("SPANLOOM_MANIFEST", path)
	return func(plugin string) {
		text := strings.NewReplacer("PLUGIN", plugin, "ENDPOINT", endpoint).Replace(`version: "1"
telemetry:
  service: { name: shop }
  backends:
    - { plugin: PLUGIN, name: main, delivery: { durable: true }, config: { endpoint: "ENDPOINT" } }
`)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// brief runs a pipeline once, and returns what became of its telemetry.
func brief(t *testing.T, opts ...spanloom.Option) pluginhost.Stats {
	t.Helper()
	tel, err := spanloom.Open(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	return tel.Stats()[0]
}

// TestJaegerIsAway: metrics and log records come before the backend has said that it
// takes none. That it has nothing to do with them is no sign of a collector.
func TestJaegerIsAway(t *testing.T) {
	for name, opts := range map[string][]spanloom.Option{
		"plain":  nil,
		"reload": {spanloom.WithReload(syscall.SIGUSR2)},
	} {
		t.Run(name, func(t *testing.T) {
			awayManifest(t, otlptest.Refused(t))("jaeger")
			for range 2 {
				if st := brief(t, opts...); st.Lost() > 0 || st.Kept == 0 {
					t.Errorf("%s", st.Ledger())
				}
			}
		})
	}
}

// TestReplayOfAFormerBackend: what it took and the new one does not goes away, and
// nothing else.
func TestReplayOfAFormerBackend(t *testing.T) {
	write := awayManifest(t, otlptest.Refused(t))
	write("otlp")
	kept := uint64(0)
	for range 2 {
		st := brief(t)
		kept += st.Kept
		if st.Lost() > 0 {
			t.Errorf("%s", st.Ledger())
		}
	}
	write("jaeger")
	left := uint64(0)
	for i := range 2 {
		const limit = 3 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		began := time.Now()
		stats, err := spanloom.Replay(ctx)
		cancel()
		if d := time.Since(began); d > limit+1500*time.Millisecond {
			t.Errorf("it took %s of %s and a second", d, limit)
		}
		if err == nil || len(stats) != 1 {
			t.Fatalf("%v %+v", err, stats)
		}
		sp := stats[0].Spool
		t.Logf("%+v", sp)
		if sp.Failed > 0 || sp.Delivered > 0 {
			t.Errorf("replay %d: %+v", i, sp)
		}
		if i > 0 && sp.Adopted != left {
			t.Errorf("%d were left, and %d are found", left, sp.Adopted)
		}
		left = sp.Waiting
	}
	if left == 0 || left > kept {
		t.Errorf("%d of %d are left", left, kept)
	}
}

// TestPoison: what the collector does not take for good is given up, by the backend's
// process as it is, and the rest arrives.
func TestPoison(t *testing.T) {
	poisoned := func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if r, ok := request.(*coltracepb.ExportTraceServiceRequest); ok && strings.Contains(r.String(), "poison") {
			return nil, status.Error(codes.InvalidArgument, "not this one")
		}
		return next(ctx, request)
	}
	c := otlptest.Start(t, nil, grpc.UnaryInterceptor(poisoned))
	awayManifest(t, c.Endpoint)("jaeger")
	tel, err := spanloom.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string) {
		p := engine.Define(name, func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
			return engine.Add(g, engine.Node("one", func(_ context.Context, n int) (int, error) { return n, nil }), in)
		})
		if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
			t.Fatal(err)
		}
	}
	main := func() pluginhost.Stats { return tel.Stats()[0] }
	run("before")
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	run("poison")
	n := 0
	for began := time.Now(); main().Lost() == 0; n++ {
		if time.Since(began) > 20*time.Second {
			t.Fatal(main().Ledger())
		}
		run("after")
		time.Sleep(100 * time.Millisecond) // a program's pace
	}
	_ = tel.Shutdown(t.Context()) // it says what was lost
	if st := main(); st.Kept > 0 || st.Dropped[pluginhost.ExportFailed] != st.Lost() || st.Emitted != st.Delivered+st.Lost() {
		t.Error(st.Ledger())
	}
	ids := map[string]bool{}
	for _, s := range c.AllSpans() {
		ids[string(s.GetSpanId())] = true
	}
	if got := len(ids); got < 2*(n+2)-int(main().Lost()) {
		t.Errorf("%d spans of %d runs arrived: %s", got, n+2, main().Ledger())
	}
}
