package jaegertest

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/internal/jaegertest/jaegerbin"
	"github.com/spanloom/spanloom/internal/servertest"
)

// TestCommand starts Jaeger by the command that make jaeger prints, with the
// configuration in the tree, but for the ports, and stores a span in it.
func TestCommand(t *testing.T) {
	path, err := jaegerbin.Path()
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		servertest.Missing(t, fmt.Sprintf("no Jaeger to test with: %v; `make jaeger` builds one (about five minutes, once)", err))
	}
	text, err := os.ReadFile(filepath.Join("../..", jaegerbin.Config))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	s.process = servertest.Start(t, 4, func(free []int) (servertest.Command, error) {
		config := string(text)
		for i, usual := range []string{"16686", "16685", "4317", "4318"} {
			was := "\"127.0.0.1:" + usual + "\""
			if strings.Count(config, was) != 1 {
				t.Fatalf("%s has no %s", jaegerbin.Config, was)
			}
			config = strings.Replace(config, was, fmt.Sprintf("\"127.0.0.1:%d\"", free[i]), 1)
		}
		s.ports = ports{Query: free[0], OTLP: free[2]}
		own := filepath.Join(t.TempDir(), "jaeger.yaml")
		command, wrong := strings.Replace(jaegerbin.Command(path), jaegerbin.Config, own, 1), os.WriteFile(own, []byte(config), 0o600)
		return servertest.Command{
			Name: "Jaeger", Path: "/bin/sh", Args: []string{"-c", strings.Replace(command, " ", " exec ", 1)},
			Ready: servertest.URL(s.ports.Query, "/"),
		}, wrong
	})
	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL(s.OTLPEndpoint()))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	_, span := provider.Tracer("t").Start(t.Context(), "stored")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := span.SpanContext().TraceID()
	if got := s.WaitTrace(t, hex.EncodeToString(id[:]), 1); got[0].Name != "stored" {
		t.Errorf("%+v", got)
	}
}
