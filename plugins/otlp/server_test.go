package otlp

import (
	"encoding/hex"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/jaegertest"
)

// TestCollectorTakesRuns sends to a real Collector what the environment alone
// says where to send.
func TestCollectorTakesRuns(t *testing.T) {
	server := jaegertest.Start(t)
	for i, env := range []map[string]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT": server.OTLPEndpoint()},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": server.OTLPHTTPEndpoint(), "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": server.OTLPHTTPEndpoint() + "/v1/traces"}, // a path means HTTP
	} {
		t.Run(env["OTEL_EXPORTER_OTLP_PROTOCOL"], func(t *testing.T) {
			for name, value := range env {
				t.Setenv(name, value)
			}
			in, err := New().Open(t.Context(), backend.Config{Service: backend.Service{Name: "shop", Version: "1.2"}})
			if err != nil {
				t.Fatal(err)
			}
			c := hooktest.Config("daily")
			c.Identity.TraceID[2] = byte(i + 1)
			hooktest.Start(in, c).OK(0)
			if err := in.Close(t.Context()); err != nil {
				t.Error(err)
			}
			span := server.WaitTrace(t, hex.EncodeToString(c.Identity.TraceID[:]), 1)[0]
			if span.Name != "pipeline daily" || span.Service != "shop" || span.Resource["service.version"] != "1.2" {
				t.Errorf("%+v", span)
			}
		})
	}
}
