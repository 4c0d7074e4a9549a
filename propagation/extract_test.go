package propagation

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	valid   = "00-" + traceID + "-" + spanID + "-01"
)

// logged returns what the process logs from now on. The first warning passes.
func logged(t testing.TB) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&b, nil)))
	warnings.next.Store(0)
	warnings.dropped.Store(0)
	t.Cleanup(func() { slog.SetDefault(was) })
	return &b
}

func repeat(n int, member func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = member(i)
	}
	return strings.Join(list, ",")
}

func numbered(i int) string { return "k" + strings.Repeat("x", i) + "=v" }

func TestExtract(t *testing.T) {
	long := strings.Repeat("x", 256)
	longest := repeat(32, func(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26)) + long[2:] + "=" + long })
	if len(longest) != maxState {
		t.Fatalf("the longest tracestate has %d bytes, want %d", len(longest), maxState)
	}
	for name, c := range map[string]struct {
		carrier Header
		span    string // flags of the span; "" for a new root
		state   int    // bytes
		members int
		reason  string // of the warning; "" for none
	}{
		"nothing":                    {},
		"sampled":                    {carrier: Header{"Traceparent": {valid}}, span: "01"},
		"not sampled":                {carrier: Header{"Traceparent": {valid[:53] + "00"}}, span: "00"},
		"random, Level 2":            {carrier: Header{"Traceparent": {valid[:53] + "03"}}, span: "03"},
		"later version":              {carrier: Header{"Traceparent": {"cc" + valid[2:] + "-what-the-future-will-be-like"}}, span: "01"},
		"later version, too long":    {carrier: Header{"Traceparent": {"cc" + valid[2:] + "-" + long}}, reason: "too long"},
		"later version, glued":       {carrier: Header{"Traceparent": {"cc" + valid[2:] + ".x"}}, reason: "malformed"},
		"version ff":                 {carrier: Header{"Traceparent": {"ff" + valid[2:]}}, reason: "malformed"},
		"version 00, longer":         {carrier: Header{"Traceparent": {valid + "-x"}}, reason: "malformed"},
		"short":                      {carrier: Header{"Traceparent": {valid[:54]}}, reason: "malformed"},
		"upper case":                 {carrier: Header{"Traceparent": {strings.ToUpper(valid)}}, reason: "malformed"},
		"no trace id":                {carrier: Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + valid[35:]}}, reason: "malformed"},
		"no span id":                 {carrier: Header{"Traceparent": {valid[:36] + strings.Repeat("0", 16) + "-01"}}, reason: "malformed"},
		"line break":                 {carrier: Header{"Traceparent": {valid + "\r\nX: y"}}, reason: "malformed"},
		"NUL":                        {carrier: Header{"Traceparent": {valid + "\x00"}}, reason: "malformed"},
		"two lines of traceparent":   {carrier: Header{"Traceparent": {valid, valid}}, reason: "malformed"},
		"two of a later version":     {carrier: Header{"Traceparent": {"cc" + valid[2:] + "-x", valid}}, reason: "malformed"},
		"state with spaces":          {carrier: Header{"Traceparent": {valid}, "Tracestate": {"a=1, b=2 ,\tc=3"}}, span: "01", state: 11},
		"many lines of traceparent":  {carrier: Header{"Traceparent": make([]string, 10_000)}, reason: "too long"},
		"state":                      {carrier: Header{"Traceparent": {valid}, "Tracestate": {"a=1,b=2"}}, span: "01", state: 7},
		"state on two lines":         {carrier: Header{"Traceparent": {valid}, "Tracestate": {"a=1", "b=2"}}, span: "01", state: 7},
		"state alone":                {carrier: Header{"Tracestate": {"a=1"}}},
		"the longest state":          {carrier: Header{"Traceparent": {valid}, "Tracestate": {longest}}, span: "01", state: maxState},
		"state too long":             {carrier: Header{"Traceparent": {valid}, "Tracestate": {longest, "x=y"}}, span: "01", reason: "too long"},
		"state of 33 members":        {carrier: Header{"Traceparent": {valid}, "Tracestate": {repeat(33, numbered)}}, span: "01", reason: "malformed"},
		"state with a key twice":     {carrier: Header{"Traceparent": {valid}, "Tracestate": {"a=1,a=2"}}, span: "01", reason: "malformed"},
		"baggage":                    {carrier: Header{"Baggage": {"a=1,b=%20;p=q"}}, members: 2},
		"baggage on two lines":       {carrier: Header{"Baggage": {"a=1", "b=2"}}, members: 2},
		"baggage with a bad member":  {carrier: Header{"Baggage": {"a=1,b,c=%zz"}}, members: 1, reason: "malformed"},
		"64 members":                 {carrier: Header{"Baggage": {repeat(64, numbered)}}, members: 64},
		"65 members":                 {carrier: Header{"Baggage": {repeat(65, numbered)}}, reason: "too many members"},
		"65 members on lines":        {carrier: Header{"Baggage": strings.Split(repeat(65, numbered), ",")}, reason: "too many members"},
		"8192 bytes":                 {carrier: Header{"Baggage": {"a=" + strings.Repeat("x", 8190)}}, members: 1},
		"8193 bytes":                 {carrier: Header{"Baggage": {"a=" + strings.Repeat("x", 8191)}}, reason: "too long"},
		"8193 bytes on two lines":    {carrier: Header{"Baggage": {"a=" + strings.Repeat("x", 4094), "b=" + strings.Repeat("x", 4094)}}, reason: "too long"},
		"1 MiB":                      {carrier: Header{"Baggage": {strings.Repeat("a=1,", 1<<18)}}, reason: "too long"},
		"10 000 lines":               {carrier: Header{"Baggage": make([]string, 10_000)}, reason: "too long"},
		"bad baggage and good trace": {carrier: Header{"Traceparent": {valid}, "Baggage": {"\x00"}}, span: "01", reason: "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			ctx := Extract(t.Context(), c.carrier)
			sc := trace.SpanContextFromContext(ctx)
			switch {
			case c.span == "":
				if sc.IsValid() {
					t.Errorf("span %v, want none", sc)
				}
			case sc.TraceID().String() != traceID || sc.SpanID().String() != spanID || sc.TraceFlags().String() != c.span || !sc.IsRemote():
				t.Errorf("span %s-%s-%s, remote %t", sc.TraceID(), sc.SpanID(), sc.TraceFlags(), sc.IsRemote())
			}
			if n := len(sc.TraceState().String()); n != c.state {
				t.Errorf("tracestate of %d bytes, want %d", n, c.state)
			}
			if n := baggage.FromContext(ctx).Len(); n != c.members {
				t.Errorf("%d members of baggage, want %d", n, c.members)
			}
			if got := log.String(); (c.reason == "") != (got == "") || !strings.Contains(got, `"reason":"`+c.reason) && c.reason != "" {
				t.Errorf("logged %q, want reason %q", got, c.reason)
			}
			if id, ok := (OTel{}).RunIdentity(ctx); ok != (c.span != "") {
				t.Errorf("a run has identity %+v, %t", id, ok)
			}
		})
	}
}

// TestLimitsOfOneValue is for carriers that have one value of a key.
func TestLimitsOfOneValue(t *testing.T) {
	for key, limit := range map[string]int{"traceparent": maxParent, "tracestate": maxState, "baggage": maxBaggage} {
		for _, size := range []int{limit, limit + 1} {
			log := logged(t)
			m := Map{"traceparent": valid}
			m[key] = strings.Repeat("x", size)
			Extract(t.Context(), m)
			if got := strings.Contains(log.String(), "too long"); got != (size > limit) {
				t.Errorf("%s of %d bytes: logged %s", key, size, log)
			}
		}
	}
}

// TestNothingStays holds that a carrier which names nothing changes nothing.
func TestNothingStays(t *testing.T) {
	ctx := Extract(t.Context(), Map{"traceparent": valid, "baggage": "a=1"})
	if got := Extract(ctx, Map{}); got != ctx {
		t.Error("an empty carrier changed the context")
	}
}

func TestWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := logged(t)
		// started lies outside of the bubble, whose clock begins in the past.
		warnings.next.Store(int64(time.Since(started)))
		bad := Map{"traceparent": "<script>\r\nsecret"}
		for range 1000 {
			Extract(t.Context(), bad)
		}
		time.Sleep(warnEvery)
		Extract(t.Context(), bad)
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines, want 2:\n%s", n, log)
		}
		want := `"level":"WARN","msg":"a field of the trace context was left out",` +
			`"field":"traceparent","reason":"malformed","bytes":16,"others_not_logged":999}`
		if !strings.Contains(log.String(), want) {
			t.Errorf("logged %s, want %s", log, want)
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log has what was sent:\n%s", log)
		}
	})
}

// single is a carrier that has one value of a key and cannot delete.
type single struct{ m map[string]string }

func (s single) Get(key string) string { return s.m[key] }
func (s single) Set(key, value string) { s.m[key] = value }
func (s single) Keys() []string        { return nil }

// TestCarriers sends a span, state and baggage over each carrier, and then a
// span without them over the same one.
func TestCarriers(t *testing.T) {
	from := Extract(context.Background(), Map{"traceparent": valid, "tracestate": "a=1", "baggage": "user=anna%20b"})
	other := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	for name, c := range map[string]propagation.TextMapCarrier{
		"map":       Map{},
		"header":    Header{},
		"raw names": Header{"baggage": {"x=y"}, "TRACEPARENT": {"x"}, "tracestate": {"x=y"}},
		"metadata":  Metadata{},
		"other":     single{map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			Inject(from, c)
			ctx := Extract(context.Background(), c)
			sc := trace.SpanContextFromContext(ctx)
			if !sc.Equal(trace.SpanContextFromContext(from)) {
				t.Errorf("span %v came through", sc)
			}
			if got := baggage.FromContext(ctx).Member("user").Value(); got != "anna b" {
				t.Errorf("user is %q", got)
			}
			Inject(other, c)
			ctx = Extract(context.Background(), c)
			if sc := trace.SpanContextFromContext(ctx); sc.TraceID() != (trace.TraceID{1}) || sc.TraceState().Len() != 0 {
				t.Errorf("span %v came through, with what there was before", sc)
			}
			if n := baggage.FromContext(ctx).Len(); n != 0 {
				t.Errorf("%d members of baggage are left", n)
			}
			Inject(context.Background(), c)
			if c.Get("traceparent") == "" {
				t.Error("a context without a span took the carrier's away")
			}
			for _, key := range c.Keys() {
				if m, ok := c.(propagation.ValuesGetter); ok && len(m.Values(key)) != 1 {
					t.Errorf("%s has values %q", key, m.Values(key))
				}
			}
		})
	}
}

func TestBaggageThatCannotBeSent(t *testing.T) {
	var many, big baggage.Baggage
	for i := range 65 {
		m, err := baggage.NewMemberRaw("k"+strings.Repeat("x", i), "v")
		if err != nil {
			t.Fatal(err)
		}
		many, _ = many.SetMember(m)
	}
	m, _ := baggage.NewMemberRaw("k", strings.Repeat("x", maxBaggage))
	big, _ = big.SetMember(m)
	for reason, bag := range map[string]baggage.Baggage{"too many members to send": many, "too long to send": big} {
		log := logged(t)
		c := Map{"baggage": "old=1"}
		Inject(baggage.ContextWithBaggage(t.Context(), bag), c)
		if len(c) != 0 || !strings.Contains(log.String(), reason) {
			t.Errorf("%s: %d fields were sent, logged %s", reason, len(c), log)
		}
	}
}
