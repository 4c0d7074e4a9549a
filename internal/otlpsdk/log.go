package otlpsdk

import (
	"context"

	"github.com/spanloom/spanloom/internal/otlpattribute"

	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
)

// Records returns the log records of a request. Only a provider makes records that
// have a resource and a scope: each resource has one for the time of this call.
func Records(request *collogspb.ExportLogsServiceRequest) []sdklog.Record {
	var made collector
	for _, r := range request.GetResourceLogs() {
		provider := sdklog.NewLoggerProvider(
			sdklog.WithResource(resourceOf(r.GetResource(), r.GetSchemaUrl())),
			sdklog.WithProcessor(&made),
			sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1), sdklog.WithAllowKeyDuplication(),
		)
		for _, s := range r.GetScopeLogs() {
			scope := scopeOf(s.GetScope(), s.GetSchemaUrl())
			logger := provider.Logger(scope.Name, log.WithInstrumentationVersion(scope.Version),
				log.WithSchemaURL(scope.SchemaURL), log.WithInstrumentationAttributes(scope.Attributes.ToSlice()...))
			for _, p := range s.GetLogRecords() {
				context := contextOf(p.GetTraceId(), p.GetSpanId(), p.GetFlags(), "", false)
				logger.Emit(trace.ContextWithSpanContext(background, context), record(p))
			}
		}
	}
	return made.records
}

var background = context.Background()

func record(p *logspb.LogRecord) (r log.Record) {
	r.SetTimestamp(timeOf(p.GetTimeUnixNano()))
	r.SetObservedTimestamp(timeOf(p.GetObservedTimeUnixNano()))
	r.SetSeverity(log.Severity(p.GetSeverityNumber()))
	r.SetSeverityText(p.GetSeverityText())
	r.SetEventName(p.GetEventName())
	r.SetBody(otlpattribute.ValueOf(p.GetBody()))
	r.AddAttributes(otlpattribute.From(p.GetAttributes())...)
	return r
}

// collector is a processor that keeps what it gets.
type collector struct{ records []sdklog.Record }

func (c *collector) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (c *collector) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.records = append(c.records, r.Clone())
	return nil
}

func (c *collector) Shutdown(context.Context) error   { return nil }
func (c *collector) ForceFlush(context.Context) error { return nil }
