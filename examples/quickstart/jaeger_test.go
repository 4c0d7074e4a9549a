package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/jaegertest"
)

// span is what the hooks and Jaeger must agree on.
type span struct {
	Name, ID, Parent string
	Kind             trace.SpanKind
	Status           codes.Code
	Message          string
	Start            int64
	Attributes       map[string]any
	Exceptions       int
}

// TestTreeInJaeger runs the quickstart with each backend that Jaeger takes
// spans from, chosen by the manifest alone, and compares every span that a real
// Jaeger then has with what the hooks said.
func TestTreeInJaeger(t *testing.T) {
	server := jaegertest.Start(t)
	broken := sourceTree(t)
	if err := os.WriteFile(filepath.Join(broken, "b", "broken.go"), []byte("package b\nfunc"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, plugin := range []string{"jaeger", "otlp"} {
		for what, dir := range map[string]string{"works": sourceTree(t), "fails": broken} {
			t.Run(plugin+" "+what, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "spanloom.yaml")
				text := fmt.Sprintf("version: \"1\"\ntelemetry:\n  service: { name: quickstart, version: \"7\" }\n  backends:\n"+
					"    - plugin: %s\n      config: { endpoint: %q }\n", plugin, server.OTLPEndpoint())
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				events, failed := analyse(t, path, dir)
				if failed != (what == "fails") {
					t.Fatalf("the run failed: %t", failed)
				}
				want := said(events)
				traceID := events[0].Context.TraceID().String()
				got := server.WaitTrace(t, traceID, len(want))
				if diff := cmp.Diff(want, stored(got, want)); diff != "" {
					t.Errorf("the hooks (-) and Jaeger (+) differ:\n%s", diff)
				}
				for _, s := range got {
					if s.Service != "quickstart" || s.Resource["service.version"] != "7" || s.ScopeName != "github.com/spanloom/spanloom" {
						t.Errorf("%s is of service %s %v, scope %s", s.Name, s.Service, s.Resource, s.ScopeName)
					}
				}
			})
		}
	}
}

// analyse runs the pipeline with the telemetry that the manifest says.
func analyse(t *testing.T, manifest, dir string) (events []callbacktest.Event, failed bool) {
	t.Helper()
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifest))
	if err != nil {
		t.Fatal(err)
	}
	rec := &callbacktest.Recorder{}
	_, err = Analyse.Run(t.Context(), dir, engine.Config{Callbacks: append(tel.Callbacks(), rec)})
	if lost := tel.Shutdown(t.Context()); lost != nil {
		t.Error(lost)
	}
	if bad := callbacktest.Check(rec.Events()); bad != nil {
		t.Error(bad)
	}
	return rec.Events(), err != nil
}

// said returns the spans that the hooks speak of, by id.
func said(events []callbacktest.Event) map[string]span {
	spans := map[string]span{}
	add := func(cc *callbacks.CallbackContext, e callbacks.End, attributes map[string]any) {
		s := span{
			Name: cc.SpanName(), ID: cc.SpanID().String(), Kind: trace.SpanKindInternal,
			Start: cc.Start().UnixNano(), Attributes: attributes,
		}
		attributes["spanloom.result"] = e.Result.String()
		if cc.Parent() == nil {
			s.Kind = trace.SpanKindServer
			attributes["spanloom.run.id"] = cc.RunID()
		} else {
			s.Parent = cc.ParentSpanID().String()
			attributes["spanloom.path"] = cc.Path()
			attributes["spanloom.depth"] = int64(cc.Depth())
		}
		if e.Err != nil && e.Result != callbacks.ResultCancellation {
			s.Status, s.Message = codes.Error, e.Err.Error()
			attributes["error.type"] = callbacks.ErrorType(e.Err)
		}
		if e.Origin {
			s.Exceptions = 1
		}
		spans[s.ID] = s
	}
	for _, ev := range events {
		switch e := ev.Event.(type) {
		case callbacks.PipelineEnd:
			add(ev.Context, e.End, map[string]any{
				"spanloom.pipeline.name": ev.Context.Name(),
				"spanloom.node.count":    int64(e.Nodes),
			})
		case callbacks.NodeEnd:
			add(ev.Context, e.End, map[string]any{
				"spanloom.node.name":      ev.Context.Name(),
				"spanloom.attempt.count":  int64(e.Attempts),
				"spanloom.strategy":       "parallel",
				"code.function.name":      ev.Context.Node().Source().Function,
				"spanloom.node.signature": ev.Context.Node().Signature,
			})
		case callbacks.MapEnd:
			add(ev.Context, e.End, map[string]any{
				"spanloom.node.name":           ev.Context.Name(),
				"spanloom.map.size":            int64(e.Size()),
				"spanloom.map.succeeded.count": int64(e.Succeeded),
				"spanloom.map.failed.count":    int64(e.Failed),
			})
		case callbacks.MapItemEnd:
			add(ev.Context, e.End, map[string]any{"spanloom.map.index": int64(ev.Context.Index())})
		}
	}
	return spans
}

// stored returns the spans that Jaeger has, with the attributes that the hooks
// speak of.
func stored(list []jaegertest.Span, want map[string]span) map[string]span {
	spans := map[string]span{}
	for _, j := range list {
		s := span{
			Name: j.Name, ID: j.SpanID, Parent: j.ParentSpanID, Kind: j.Kind,
			Status: j.StatusCode, Message: j.StatusMessage, Start: j.Start.UnixNano(), Attributes: map[string]any{},
		}
		for key := range want[j.SpanID].Attributes {
			s.Attributes[key] = j.Attributes[key]
		}
		s.Exceptions = len(slices.DeleteFunc(j.Events, func(e jaegertest.Event) bool { return e.Name != "exception" }))
		if _, twice := spans[s.ID]; twice {
			s.Name += " (twice)"
		}
		spans[s.ID] = s
	}
	return spans
}

// sourceTree makes a directory with three packages.
func sourceTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, pkg := range []string{"a", "b", "c"} {
		if err := os.Mkdir(filepath.Join(dir, pkg), 0o700); err != nil {
			t.Fatal(err)
		}
		for f := range 4 * (i + 1) {
			source := fmt.Sprintf("package %s\n\nimport \"fmt\"\n\ntype T%d struct{}\n\nfunc (T%d) Say() { fmt.Println(%d) }\n", pkg, f, f, f)
			if err := os.WriteFile(filepath.Join(dir, pkg, fmt.Sprintf("f%d.go", f)), []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
