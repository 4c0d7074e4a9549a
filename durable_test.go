package spanloom_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/pluginhost"
)

// query is a pipeline with a span of its own code.
var query = engine.Define("query", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
	return engine.Add(g, engine.Node("one", func(ctx context.Context, n int) (int, error) {
		_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("test").Start(ctx, "inner")
		span.End()
		return n, nil
	}), in)
})

const durableManifest = `version: "1"
telemetry:
  service: { name: shop }
  backends:
    - { plugin: otlp, name: main, delivery: { durable: true%s }, config: { endpoint: %q } }
  shutdown_timeout: 1s
`

// runOnce runs the pipeline with the telemetry of a manifest. It returns what became of
// what its first backend was sent, and how long Shutdown took.
func runOnce(t *testing.T, path string) (st pluginhost.Stats, took time.Duration) {
	t.Helper()
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	return tel.Stats()[0], time.Since(began)
}

// TestADeadCollector: the program ends in time and keeps everything, and what comes
// next delivers it: the next start, or a replay.
func TestADeadCollector(t *testing.T) {
	for _, next := range []string{"start", "replay"} {
		t.Run(next, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			_ = l.Close()
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			path := filepath.Join(t.TempDir(), "spanloom.yaml")
			if err := os.WriteFile(path, fmt.Appendf(nil, durableManifest, "", "http://"+address), 0o600); err != nil {
				t.Fatal(err)
			}
			const runs = 5
			for range runs {
				st, took := runOnce(t, path)
				if took > 1500*time.Millisecond {
					t.Errorf("Shutdown took %s", took)
				}
				if st.Kept == 0 || st.Emitted != st.Kept+st.Delivered || st.Lost() > 0 {
					t.Errorf("%+v", st)
				}
			}
			c := otlptest.StartOn(t, otlptest.Listen(t, address), nil)
			if next == "replay" {
				stats, err := spanloom.Replay(t.Context(), spanloom.WithManifest(path))
				if err != nil || len(stats) != 1 || stats[0].Spool.Delivered == 0 || stats[0].Spool.Waiting > 0 || stats[0].Spool.Failed > 0 {
					t.Errorf("%v %+v", err, stats)
				}
			} else {
				tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := query.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
					t.Error(err)
				}
			}
			count := map[string]int{}
			ids := map[string]bool{}
			for _, s := range c.AllSpans() {
				if !ids[string(s.GetSpanId())] {
					count[s.GetName()]++
				}
				ids[string(s.GetSpanId())] = true
			}
			want := runs
			if next == "start" {
				want++
			}
			if count["inner"] != want || count["node one"] != want || count["pipeline query"] != want {
				t.Errorf("%d runs: %v", want, count)
			}
		})
	}
}

// TestReplayWhatCannotBe: nothing is started for it.
func TestReplayWhatCannotBe(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	manifest := fmt.Sprintf(durableManifest, "", "http://127.0.0.1:1")
	for _, tt := range []struct{ text, only, want string }{
		{strings.Replace(manifest, "  service: { name: shop }\n", "", 1), "", "the service has no name under which to send"},
		{strings.Replace(manifest, "durable: true", "durable: false", 1), "main", "there is no backend"},
		{manifest, "other", "the manifest has: main"},
		{"versio: 1", "", "unknown key"},
	} {
		opts := []spanloom.Option{spanloom.WithEmbeddedManifest([]byte(tt.text))}
		if tt.only != "" {
			opts = append(opts, spanloom.OnlyBackend(tt.only))
		}
		if _, err := spanloom.Replay(t.Context(), opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
	for _, tt := range []struct {
		opts []spanloom.Option
		want string
	}{
		{nil, "say with OnlyBackend of which"},
		{[]spanloom.Option{spanloom.OnlyBackend("main")}, "there is no spool in "},
	} {
		opts := append([]spanloom.Option{spanloom.WithEmbeddedManifest([]byte(manifest)), spanloom.FromSpool(t.TempDir())}, tt.opts...)
		if _, err := spanloom.Replay(t.Context(), opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if list, err := spanloom.Replay(t.Context(), spanloom.WithEmbeddedManifest([]byte(manifest))); len(list) > 0 || err != nil {
		t.Error(list, err)
	}
}

// TestWhereItIsKept: in the directory that the manifest says, or below that of the user.
func TestWhereItIsKept(t *testing.T) {
	home, state, said := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "said")
	t.Setenv("HOME", home)
	for _, tt := range []struct{ state, dir, want string }{
		{"", "", filepath.Join(home, ".local", "state", "spanloom", "spool", "*", "service-shop", "main", "lock")},
		{"not/absolute", "", filepath.Join(home, ".local", "state", "spanloom", "spool", "*", "service-shop", "main", "lock")},
		{state, "", filepath.Join(state, "spanloom", "spool", "*", "service-shop", "main", "lock")},
		{state, ", dir: " + said, filepath.Join(said, "main", "lock")},
	} {
		t.Setenv("XDG_STATE_HOME", tt.state)
		tel := open(t, fmt.Sprintf(durableManifest, tt.dir, "http://127.0.0.1:1"))
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if list, _ := filepath.Glob(tt.want); len(list) != 1 {
			t.Errorf("%s: %v", tt.want, list)
		}
		_ = os.RemoveAll(filepath.Join(home, ".local"))
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_STATE_HOME", "")
	tel := open(t, fmt.Sprintf(durableManifest, "", "http://127.0.0.1:1"))
	if err := tel.Shutdown(t.Context()); err == nil || !strings.Contains(err.Error(), "delivery was not durable: there is no directory for the spool") {
		t.Error(err)
	}
}

// TestADeadCollectorHoldsNobodyUp: what is on the disk is safe, so that the program need
// not wait for all of its time.
func TestADeadCollectorHoldsNobodyUp(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	text := strings.Replace(fmt.Sprintf(durableManifest, "", otlptest.Refused(t)), "shutdown_timeout: 1s", "shutdown_timeout: 60s", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	st, took := runOnce(t, path)
	t.Logf("Shutdown took %s", took)
	if took > 30*time.Second {
		t.Errorf("Shutdown took %s of 60s", took)
	}
	if st.Kept == 0 || st.Emitted != st.Kept || st.Lost() > 0 {
		t.Errorf("%s", st.Ledger())
	}
}
