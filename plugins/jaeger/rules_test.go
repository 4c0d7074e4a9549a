package jaeger

import (
	"testing"

	"github.com/spanloom/spanloom/backend/backendtest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

func TestRules(t *testing.T) {
	endpoint, sink := otlptest.Sink(t)
	backendtest.Run(t, New(),
		backendtest.WithConfig(`{"endpoint":"`+endpoint+`","timeout":"8s"}`),
		backendtest.WithMistake(`{"endpoint":"http://127.0.0.1:16686"}`, "endpoint"),
		backendtest.WithSink(sink))
}
