package logs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/spanloom/spanloom/internal/buildinfo"
)

// processor keeps what a provider emits.
type processor struct {
	mu   sync.Mutex
	kept []sdklog.Record
	do   func() // instead, if it is not nil
}

func (p *processor) OnEmit(_ context.Context, r *sdklog.Record) error {
	if p.do != nil {
		p.do()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, r.Clone())
	return nil
}

func (p *processor) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (p *processor) Shutdown(context.Context) error                         { return nil }
func (p *processor) ForceFlush(context.Context) error                       { return nil }

func (p *processor) all() []sdklog.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

func provider(t testing.TB, p sdklog.Processor) *sdklog.LoggerProvider {
	t.Helper()
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	t.Cleanup(func() { _ = lp.Shutdown(context.Background()) })
	return lp
}

func attributes(r sdklog.Record) map[string]string {
	m := map[string]string{}
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		m[string(kv.Key)] = kv.Value.String()
		return true
	})
	return m
}

func TestForwardedRecord(t *testing.T) {
	sink, level := &processor{}, new(slog.LevelVar)
	l, err := New(io.Discard, Config{Provider: provider(t, sink), LevelVar: level})
	if err != nil {
		t.Fatal(err)
	}
	cc := node(context.Background())
	l.DebugContext(cc, "too low")
	l.With("a", 1).WithGroup("g").InfoContext(cc, "page fetched", "bytes", 12)
	level.Set(slog.LevelError)
	l.WarnContext(cc, "too low now")

	if n := len(sink.all()); n != 1 {
		t.Fatalf("%d records, want 1", n)
	}
	r := sink.all()[0]
	if r.Body().AsString() != "page fetched" || r.SeverityText() != "INFO" || r.InstrumentationScope().Name != buildinfo.Module {
		t.Errorf("body %s, severity %s, scope %s", r.Body().AsString(), r.SeverityText(), r.InstrumentationScope().Name)
	}
	want := map[string]string{ // no ids: the record has them by itself
		"a": "1", "g": `{"bytes":12}`,
		"spanloom.run.id": "r1", "spanloom.pipeline.name": "daily", "spanloom.path": "daily/fetch",
		"spanloom.node.name": "fetch", "spanloom.depth": "0", "spanloom.attempt.number": "1",
	}
	if diff := cmp.Diff(want, attributes(r)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// TestForwardedTextIsValid gives what protobuf would refuse, and with it a batch.
func TestForwardedTextIsValid(t *testing.T) {
	const bad = "a\xffb"
	sink := &processor{}
	l := slog.New(NewForwarder(provider(t, sink)))
	l.Info(bad, bad, bad, "list", []string{bad, "good"}, "any", []any{bad, 1}, //nolint:sloglint // whatever text
		slog.Group("group", slog.String(bad, bad)), "struct", struct{ A string }{bad}, "good", 1) //nolint:sloglint // whatever text
	l.Info("good", "err", errors.New(bad))
	l.Info("good", "a", 1)
	for _, r := range sink.all() {
		check := func(what, s string) {
			if !utf8.ValidString(s) {
				t.Errorf("%s is %q", what, s)
			}
		}
		check("body", r.Body().AsString())
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			check("key", string(kv.Key))
			check(string(kv.Key), kv.Value.String())
			if !isValid(kv.Value) {
				t.Errorf("%s has text that is not valid", kv.Key)
			}
			return true
		})
	}
	if got := sink.all()[0].Body().AsString(); got != "a\uFFFDb" {
		t.Errorf("body %q", got)
	}
}
