package logs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// broken is a handler that fails in one way.
type broken struct{ handle, enabled, with func() error }

func (b broken) Enabled(context.Context, slog.Level) bool {
	return b.enabled == nil || b.enabled() == nil
}

func (b broken) Handle(context.Context, slog.Record) error {
	if b.handle == nil {
		return nil
	}
	return b.handle()
}

func (b broken) WithAttrs([]slog.Attr) slog.Handler {
	if b.with != nil {
		_ = b.with()
	}
	return b
}

func (b broken) WithGroup(string) slog.Handler { return b.WithAttrs(nil) }

// TestFanoutKeepsSinksApart holds that whatever one handler does, the other gets
// each record, and at most one more, which tells of the failure.
func TestFanoutKeepsSinksApart(t *testing.T) {
	fails := func() error { return errors.New("disk full") }
	panics := func() error { panic("oops") }
	cases := map[string]struct {
		sink slog.Handler
		told string
	}{
		"error":           {broken{handle: fails}, "disk full"},
		"panic":           {broken{handle: panics}, "panic: oops"},
		"panic when made": {broken{with: panics}, ""},
		"panic of the question whether it is enabled": {broken{enabled: panics}, ""},
	}
	for name, c := range cases {
		for order, sinks := range map[string]func(good slog.Handler) []slog.Handler{
			"first": func(good slog.Handler) []slog.Handler { return []slog.Handler{c.sink, good} },
			"last":  func(good slog.Handler) []slog.Handler { return []slog.Handler{good, c.sink} },
		} {
			t.Run(name+" "+order, func(t *testing.T) {
				var b buffer
				l := slog.New(Fanout(sinks(NewHandler(slog.NewJSONHandler(&b, nil)))...))
				l = l.With("a", 1).WithGroup("g")
				for range 3 {
					l.InfoContext(node(context.Background()), "m", "b", 2)
				}
				records, told := 0, 0
				for _, r := range b.records(t) {
					if r["a"] != 1.0 || r[keyRunID] != "r1" {
						t.Errorf("a record lost what it says: %v", r)
					}
					if r["msg"] == "m" {
						records++
						continue
					}
					told++
					if r["level"] != "WARN" || r["g"].(map[string]any)[keyExceptionMessage] != c.told {
						t.Errorf("told %v, want %q", r, c.told)
					}
				}
				want := 0
				if c.told != "" {
					want = 1
				}
				if records != 3 || told != want {
					t.Errorf("%d records and %d about the failure, want 3 and %d:\n%s", records, told, want, b.String())
				}
			})
		}
	}
}

func TestFanoutReturnsErrors(t *testing.T) {
	h := Fanout(broken{handle: func() error { return errors.New("one") }}, broken{handle: func() error { panic("two") }})
	err := h.Handle(context.Background(), slog.Record{})
	if err == nil || err.Error() != "one\npanic: two" {
		t.Errorf("the error is %v", err)
	}
	if !h.Enabled(context.Background(), slog.LevelInfo) || Fanout().Enabled(context.Background(), slog.LevelError) {
		t.Error("it must be enabled if and only if one of its handlers is")
	}
}

func TestFanoutAsksLevels(t *testing.T) {
	var low, high buffer
	l := slog.New(Fanout(
		slog.NewJSONHandler(&low, &slog.HandlerOptions{Level: slog.LevelDebug}),
		slog.NewJSONHandler(&high, &slog.HandlerOptions{Level: slog.LevelError})))
	l.Debug("m")
	if strings.Count(low.String(), "\n") != 1 || high.String() != "" {
		t.Errorf("low has %q, high has %q; want one record and none", low.String(), high.String())
	}
}

// TestFanoutOfPlainHandlers holds that wrapping a fan-out gives each its place.
func TestFanoutOfPlainHandlers(t *testing.T) {
	var b buffer
	sink := &processor{}
	l := slog.New(NewHandler(Fanout(slog.NewJSONHandler(&b, nil), NewForwarder(provider(t, sink)))))
	l.InfoContext(node(context.Background()), "m")
	if r := b.records(t)[0]; r[keyTraceID] == nil || r[keyPath] != "daily/fetch" {
		t.Errorf("the record has no place: %v", r)
	}
	if a := attributes(sink.all()[0]); a[keyTraceID] != "" || a[keyPath] != "daily/fetch" {
		t.Errorf("the attributes are %v, want the place without ids", a)
	}
}
