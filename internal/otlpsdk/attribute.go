package otlpsdk

import (
	"time"

	"github.com/spanloom/spanloom/internal/otlpattribute"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

func resourceOf(r *resourcepb.Resource, schema string) *resource.Resource {
	return resource.NewWithAttributes(schema, otlpattribute.From(r.GetAttributes())...)
}

func scopeOf(s *commonpb.InstrumentationScope, schema string) instrumentation.Scope {
	return instrumentation.Scope{
		Name: s.GetName(), Version: s.GetVersion(), SchemaURL: schema,
		Attributes: attribute.NewSet(otlpattribute.From(s.GetAttributes())...),
	}
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}

// timeOf is the zero time for 0, which stands for none.
func timeOf(nano uint64) time.Time {
	if nano == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(nano))
}
