// Package otelresource describes programs in the words of OpenTelemetry: the same
// program has the same resource, whoever sends its telemetry.
package otelresource

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Default is what the SDK's resource.Default is, with [InstanceID] unless the
// environment has another, and without the SDK's use of OpenTelemetry's global error
// handler.
var Default = sync.OnceValue(func() *resource.Resource {
	program := "unknown_service:go"
	if exe, err := os.Executable(); err == nil {
		program = "unknown_service:" + valid(filepath.Base(exe))
	}
	// An error leaves a part of the resource out: the rest is still true.
	r, _ := resource.New(context.Background(),
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(semconv.ServiceName(program), semconv.ServiceInstanceID(InstanceID())),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if r == nil {
		r = resource.NewWithAttributes(semconv.SchemaURL, attribute.String("service.name", program))
	}
	return r
})

// Of returns the resource of a service. Its names win over attributes that say
// the same.
func Of(ctx context.Context, name, version, namespace string, attributes map[string]string) *resource.Resource {
	var attrs []attribute.KeyValue
	for k, v := range attributes {
		attrs = append(attrs, attribute.String(valid(k), valid(v)))
	}
	// The names come last, and win.
	if name == "" && !slices.ContainsFunc(attrs, func(kv attribute.KeyValue) bool { return kv.Key == semconv.ServiceNameKey }) {
		name = "unknown_service:go"
	}
	for _, kv := range [...]attribute.KeyValue{
		semconv.ServiceName(valid(name)),
		semconv.ServiceVersion(valid(version)),
		semconv.ServiceNamespace(valid(namespace)),
	} {
		if kv.Value.AsString() != "" {
			attrs = append(attrs, kv)
		}
	}
	r := resource.NewWithAttributes(semconv.SchemaURL, attrs...)
	// Which SDK made the telemetry: the same in a backend as in the program.
	sdk, err := resource.New(ctx, resource.WithTelemetrySDK())
	if err != nil {
		return r
	}
	if merged, err := resource.Merge(resource.NewSchemaless(sdk.Attributes()...), r); err == nil {
		return merged
	}
	return r
}

// valid makes s valid UTF-8, without which nothing at all could be sent.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
