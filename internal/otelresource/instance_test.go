package otelresource_test

import (
	"regexp"
	"testing"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/internal/otelresource"
)

func TestInstanceID(t *testing.T) {
	t.Parallel()
	id := otelresource.InstanceID()
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("%s is no UUID of version 4", id)
	}
	if otelresource.InstanceID() != id || otelresource.InstanceKey != string(semconv.ServiceInstanceIDKey) {
		t.Error("it is another the second time, or has another key")
	}
	if v, ok := otelresource.Default().Set().Value(semconv.ServiceInstanceIDKey); !ok || v.AsString() != id {
		t.Errorf("the default resource has %v", v.AsString())
	}
	given := otelresource.Of(t.Context(), "n", "", "", map[string]string{otelresource.InstanceKey: "mine"})
	if v, _ := given.Set().Value(semconv.ServiceInstanceIDKey); v.AsString() != "mine" {
		t.Errorf("a resource with an id has %v", v.AsString())
	}
}
