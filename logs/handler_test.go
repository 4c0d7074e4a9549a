package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// within puts every record into a context.
type within struct {
	slog.Handler

	ctx context.Context
}

func (w within) Handle(_ context.Context, r slog.Record) error { return w.Handler.Handle(w.ctx, r) }

func (w within) WithGroup(name string) slog.Handler { return within{w.Handler.WithGroup(name), w.ctx} }

func (w within) WithAttrs(attrs []slog.Attr) slog.Handler {
	return within{w.Handler.WithAttrs(attrs), w.ctx}
}

// TestRulesOfHandlers holds the rules of testing/slogtest, in and out of a run.
func TestRulesOfHandlers(t *testing.T) {
	places := map[string]context.Context{
		"outside": context.Background(),
		"in a node": inside(inside(run(context.Background()), callbacks.KindMap, "fetch", -1, 1),
			callbacks.KindMapItem, "fetch", 7, 1),
	}
	formats := map[string]struct {
		handler func(*bytes.Buffer) slog.Handler
		decode  func(*testing.T, string) map[string]any
	}{
		"json": {func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(&escaper{b}, nil) }, decodeJSON},
		"text": {func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }, decodeText},
	}
	for where, ctx := range places {
		for format, f := range formats {
			t.Run(format+" "+where, func(t *testing.T) {
				var b bytes.Buffer
				slogtest.Run(t, func(*testing.T) slog.Handler {
					b.Reset()
					return within{NewHandler(f.handler(&b)), ctx}
				}, func(t *testing.T) map[string]any {
					t.Helper()
					return f.decode(t, strings.TrimSpace(b.String()))
				})
			})
		}
	}
}

func decodeJSON(t *testing.T, line string) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// decodeText decodes the lines of slogtest's cases, whose values need no quotes;
// a dot stands between a group and what is in it.
func decodeText(t *testing.T, line string) map[string]any {
	t.Helper()
	m := map[string]any{}
	for part := range strings.FieldsSeq(line) {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			t.Fatalf("%q is no pair", part)
		}
		at, names := m, strings.Split(key, ".")
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[names[len(names)-1]] = value
	}
	return m
}

// noTime leaves the time out, which differs from run to run.
func noTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

const (
	inRun  = `"trace_id":"ab000000000000000000000000000001","span_id":"SPAN","trace_flags":"01","spanloom.run.id":"r1"`
	inNode = inRun + `,"spanloom.pipeline.name":"daily","spanloom.path":"daily/fetch","spanloom.node.name":"fetch","spanloom.depth":0,"spanloom.attempt.number":1`
)

func TestFields(t *testing.T) {
	root := run(context.Background())
	one := inside(root, callbacks.KindNode, "fetch", -1, 1)
	features := inside(inside(root, callbacks.KindMap, "features", -1, 1), callbacks.KindMapItem, "features", 7, 1)
	nested := inside(features, callbacks.KindPipeline, "features", -1, 1)
	third := inside(inside(nested, callbacks.KindNode, "embed", -1, 1), callbacks.KindAttempt, "embed", -1, 3)

	type logger = *slog.Logger
	cases := map[string]struct {
		ctx  *callbacks.CallbackContext
		log  func(logger, context.Context)
		want string
	}{
		"root pipeline": {
			root, func(l logger, ctx context.Context) { l.InfoContext(ctx, "m") },
			inRun + `,"spanloom.pipeline.name":"daily","spanloom.path":"daily","spanloom.depth":0`,
		},
		"node": {
			one, func(l logger, ctx context.Context) { l.InfoContext(ctx, "m", "a", 1) },
			inNode + `,"a":1`,
		},
		"third attempt of a node of a mapped pipeline": {
			third, func(l logger, ctx context.Context) { l.InfoContext(ctx, "m") },
			inRun + `,"spanloom.pipeline.name":"features","spanloom.path":"daily/features[7]/embed","spanloom.node.name":"embed","spanloom.depth":1,"spanloom.map.index":7,"spanloom.attempt.number":3`,
		},
		"map": {
			features.Parent(), func(l logger, ctx context.Context) { l.InfoContext(ctx, "m") },
			inRun + `,"spanloom.pipeline.name":"daily","spanloom.path":"daily/features","spanloom.node.name":"features","spanloom.depth":0`,
		},
		"derived context": {one, func(l logger, ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			l.InfoContext(ctx, "m")
		}, inNode},
		"groups": {one, func(l logger, ctx context.Context) {
			l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "m", "c", 3)
		}, `"a":1,` + inNode + `,"g":{"b":2,"h":{"c":3}}`},
		"group with nothing in it": {one, func(l logger, ctx context.Context) {
			l.WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "m")
		}, inNode + `,"g":{"b":2}`},
		"empty groups": {one, func(l logger, ctx context.Context) { l.WithGroup("g").WithGroup("h").InfoContext(ctx, "m") }, inNode},
		"a field that the record has": {one, func(l logger, ctx context.Context) {
			l.InfoContext(ctx, "m", "spanloom.run.id", "mine", slog.Group("", slog.Int("spanloom.attempt.number", 9))) //nolint:sloglint // the keys of records
		}, strings.Replace(strings.Replace(inNode, `,"spanloom.run.id":"r1"`, "", 1), `,"spanloom.attempt.number":1`, "", 1) + `,"spanloom.run.id":"mine","spanloom.attempt.number":9`},
		"fields that the logger has": {one, func(l logger, ctx context.Context) {
			l.With("trace_id", "t").With("span_id", "s").WithGroup("g").InfoContext(ctx, "m", "trace_id", "in the group")
		}, `"trace_id":"t","span_id":"s",` + strings.TrimPrefix(inNode, `"trace_id":"ab000000000000000000000000000001","span_id":"SPAN",`) + `,"g":{"trace_id":"in the group"}`},
		"wrapped twice": {one, func(l logger, ctx context.Context) {
			slog.New(NewHandler(within{l.Handler(), ctx})).InfoContext(ctx, "m")
		}, inNode},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b buffer
			l := slog.New(NewHandler(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: noTime})))
			c.log(l, c.ctx)
			want := `{"level":"INFO","msg":"m",` + strings.Replace(c.want, "SPAN", c.ctx.SpanID().String(), 1) + "}\n"
			if b.String() != want {
				t.Errorf("the line is\n%swant\n%s", b.String(), want)
			}
		})
	}
}

// TestDerivedLoggersDoNotShare makes two loggers of one that is inside a group.
func TestDerivedLoggersDoNotShare(t *testing.T) {
	var b buffer
	base := slog.New(NewHandler(slog.NewJSONHandler(&b, nil))).WithGroup("g")
	base = base.With("a", 1).With("b", 2).With("c", 3) // one after another, which leaves room for a fourth
	one, two := base.With("one", 1), base.With("two", 2)
	inner, other := base.WithGroup("inner"), base.WithGroup("other")
	for _, l := range []*slog.Logger{one, two, inner, other} {
		l.InfoContext(node(context.Background()), "m", "x", 1)
	}
	for i, want := range []string{`"one":1,"x":1}}`, `"two":2,"x":1}}`, `"inner":{"x":1}}}`, `"other":{"x":1}}}`} {
		if line := strings.Split(b.String(), "\n")[i]; !strings.HasSuffix(line, `"g":{"a":1,"b":2,"c":3,`+want) {
			t.Errorf("the line %s does not end with %s", line, want)
		}
	}
}

func TestOutsideIsUnchangedAndFree(t *testing.T) {
	var plain, wrapped bytes.Buffer
	opts := &slog.HandlerOptions{ReplaceAttr: noTime}
	for b, l := range map[*bytes.Buffer]*slog.Logger{
		&plain:   slog.New(slog.NewJSONHandler(&plain, opts)),
		&wrapped: slog.New(NewHandler(slog.NewJSONHandler(&wrapped, opts))),
	} {
		l.With("a", 1).WithGroup("g").With("b", 2).Info("m", "c", 3)
		l.Warn("m", "trace_id", "mine")
		if b.Len() == 0 {
			t.Fatal("nothing was written")
		}
	}
	if plain.String() != wrapped.String() {
		t.Errorf("the lines are\n%swant\n%s", wrapped.String(), plain.String())
	}

	ctx := t.Context()
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.Int("a", 1), slog.Int("b", 2), slog.Int("c", 3), slog.Int("d", 4), slog.Int("e", 5), slog.Int("f", 6))
	for name, h := range map[string]slog.Handler{
		"plain":    NewHandler(slog.DiscardHandler),
		"in group": NewHandler(slog.DiscardHandler).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}),
	} {
		if n := testing.AllocsPerRun(100, func() { _ = h.Handle(ctx, r) }); n != 0 {
			t.Errorf("%s: %v allocations for a record of no run, want 0", name, n)
		}
	}
}

// TestInsideCosts holds what a record of a node costs more: the ids, the path
// and room for the fields.
func TestInsideCosts(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes more escape")
	}
	h, cc := NewHandler(slog.DiscardHandler), node(context.Background())
	cc.SpanID()
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.Int("a", 1))
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(cc, r) }); n > 3 {
		t.Errorf("%v allocations for a record of a node, want at most 3", n)
	}
}

func TestNoContext(t *testing.T) {
	if err := NewHandler(slog.DiscardHandler).Handle(nil, slog.Record{}); err != nil { //nolint:staticcheck // what others give
		t.Error(err)
	}
}
