package jaeger

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/jaegertest"
)

// TestJaegerStoresRuns sends a run to a real Jaeger in every way there is.
func TestJaegerStoresRuns(t *testing.T) {
	server := jaegertest.Start(t)
	way := byte(0) // each has a trace of its own
	for name, config := range map[string]string{
		"grpc":      `{"endpoint":"` + server.OTLPEndpoint() + `"}`,
		"grpc gzip": `{"endpoint":"` + server.OTLPEndpoint() + `","compression":"gzip","batch":"low_latency"}`,
		"http":      `{"endpoint":"` + server.OTLPHTTPEndpoint() + `","protocol":"http/protobuf"}`,
		"http gzip": `{"endpoint":"` + server.OTLPHTTPEndpoint() + `/v1/traces","protocol":"http/protobuf","compression":"gzip","batch":{"size":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			in, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(config), Service: backend.Service{
				Name: "shop " + name, Version: "1.2", Namespace: "team", Attributes: map[string]string{"deployment.environment.name": "test"},
			}})
			if err != nil {
				t.Fatal(err)
			}
			way++
			rc := hooktest.Config("daily " + name)
			rc.Identity.TraceID[1] = way
			run := hooktest.Start(in, rc)
			run.Node("fetch").OK(time.Millisecond)
			run.Node("sum").Fail(time.Millisecond, callbacks.ResultFailure, errors.New("boom"))
			run.Fail(2*time.Millisecond, callbacks.ResultFailure, errors.New("boom"))
			if err := in.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			if err := in.Close(t.Context()); err != nil {
				t.Error(err)
			}
			spans := server.WaitTrace(t, hex.EncodeToString(rc.Identity.TraceID[:]), 3)
			var resource map[string]any
			found := map[string]codes.Code{}
			for _, s := range spans {
				if s.Service == "shop "+name {
					resource, found[s.Name] = s.Resource, s.StatusCode
				}
			}
			if diff := cmp.Diff(map[string]codes.Code{"pipeline daily " + name: codes.Error, "node fetch": codes.Unset, "node sum": codes.Error}, found); diff != "" {
				t.Errorf("spans (-want +got)\n%s", diff)
			}
			for key, want := range map[string]string{"service.version": "1.2", "service.namespace": "team", "deployment.environment.name": "test"} {
				if resource[key] != want {
					t.Errorf("resource attribute %s is %v, want %s", key, resource[key], want)
				}
			}
		})
	}
}
