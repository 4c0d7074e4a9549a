package otlptrace

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

var service = backend.Service{
	Name: "shop", Version: "1.2", Namespace: "team",
	Attributes: map[string]string{"deployment.environment.name": "test", "service.name": "other"},
}

// settings are those of a config.
func settings(t *testing.T, config map[string]any) otlpconfig.Settings {
	t.Helper()
	js, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := otlpconfig.Resolve(backend.Config{JSON: js}, otlpconfig.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openBy opens an instance by a config.
func openBy(t *testing.T, config map[string]any) backend.Instance {
	t.Helper()
	in, err := OpenAll(t.Context(), settings(t, config), backend.Config{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = in.Close(ctx)
	})
	return in
}

func openAt(t *testing.T, endpoint string) backend.Instance {
	t.Helper()
	return openBy(t, map[string]any{"endpoint": endpoint})
}

func emit(t *testing.T, in backend.Instance) {
	t.Helper()
	run := hooktest.Start(in, hooktest.Config("daily"))
	boom := errors.New("boom\xff")
	run.Node("a\xffb").Fail(time.Millisecond, callbacks.ResultFailure, boom)
	n := run.Nested("stats")
	n.Node("total").OK(time.Millisecond)
	n.OK(2 * time.Millisecond)
	run.End(callbacks.End{Duration: 3 * time.Millisecond, Result: callbacks.ResultFailure, Err: boom})
	if err := run.Check(); err != nil {
		t.Fatal(err)
	}
}

func strs(list []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		if s, ok := kv.GetValue().GetValue().(*commonpb.AnyValue_StringValue); ok {
			m[kv.GetKey()] = s.StringValue
		}
	}
	return m
}

func TestExport(t *testing.T) {
	c := otlptest.Start(t, nil)
	in := openAt(t, c.Endpoint)
	emit(t, in)
	if err := in.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.Spans()
	run, nested, total, failed := spans["pipeline daily"], spans["pipeline stats"], spans["node total"], spans["node a\uFFFDb"]
	if len(spans) != 4 || run == nil || nested == nil || total == nil || failed == nil {
		t.Fatalf("spans %v", spans)
	}
	if got := hex.EncodeToString(run.GetTraceId()); got != "7d0e0000000000000000000000000001" {
		t.Errorf("trace id %s", got)
	}
	if hex.EncodeToString(run.GetSpanId()) != "aa00000000000001" || len(run.GetParentSpanId()) != 0 {
		t.Errorf("the run has span id %x, parent %x", run.GetSpanId(), run.GetParentSpanId())
	}
	if string(nested.GetParentSpanId()) != string(run.GetSpanId()) || string(total.GetParentSpanId()) != string(nested.GetSpanId()) {
		t.Error("wrong parents")
	}
	if run.GetKind() != tracepb.Span_SPAN_KIND_SERVER || total.GetKind() != tracepb.Span_SPAN_KIND_INTERNAL {
		t.Errorf("kinds %s, %s", run.GetKind(), total.GetKind())
	}
	if st := failed.GetStatus(); st.GetCode() != tracepb.Status_STATUS_CODE_ERROR || st.GetMessage() != "boom\uFFFD" {
		t.Errorf("status %v", st)
	}
	if len(failed.GetEvents()) != 1 || strs(failed.GetEvents()[0].GetAttributes())["exception.message"] != "boom\uFFFD" {
		t.Errorf("events %v", failed.GetEvents())
	}
	if got := strs(total.GetAttributes()); got["spanloom.path"] != "daily/stats/total" {
		t.Errorf("attributes %v", got)
	}
	r := c.Resources()[0]
	res := strs(r.GetResource().GetAttributes())
	if diff := cmp.Diff(map[string]string{
		"service.name": "shop", "service.version": "1.2", "service.namespace": "team", "deployment.environment.name": "test",
		"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go", "telemetry.sdk.version": res["telemetry.sdk.version"],
	}, res); diff != "" {
		t.Errorf("resource (-want +got)\n%s", diff)
	}
	if got := r.GetScopeSpans()[0].GetScope(); got.GetName() != "github.com/spanloom/spanloom" || got.GetVersion() == "" {
		t.Errorf("scope %v", got)
	}
	if got := c.Headers().Get("user-agent"); len(got) != 1 || !strings.HasPrefix(got[0], "spanloom/") {
		t.Errorf("user agent %v", got)
	}
}

func TestErrors(t *testing.T) {
	hang := func(ctx context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	partial := func(n int64, msg string) func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		return func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
			return &coltracepb.ExportTraceServiceResponse{
				PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: n, ErrorMessage: msg},
			}, nil
		}
	}
	for name, tc := range map[string]struct {
		endpoint string
		want     []string
	}{
		"refused":  {otlptest.Refused(t), []string{"connection refused"}},
		"hanging":  {otlptest.Start(t, hang).Endpoint, []string{"deadline exceeded"}},
		"huge":     {otlptest.Start(t, partial(0, strings.Repeat("x", 1<<20))).Endpoint, []string{"larger than max"}},
		"rejected": {otlptest.Start(t, partial(2, "too old")).Endpoint, []string{"the collector rejected 2 of 4 spans: too old"}},
		"warning":  {otlptest.Start(t, partial(0, "slow down")).Endpoint, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := openAt(t, tc.endpoint)
			emit(t, in)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			begin := time.Now()
			err := in.Flush(ctx)
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("Flush took %s beyond its deadline", d)
			}
			if tc.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range append(tc.want, tc.endpoint) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Flush: %v\nwant %q in it", err, want)
				}
			}
			if name == "refused" && strings.Contains(err.Error(), "deadline") {
				t.Errorf("the deadline hides the cause: %v", err)
			}
		})
	}
}
