package logs

import (
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/log"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/privacy"
)

// NewForwarder returns a handler that makes of each record one of
// OpenTelemetry's and emits it through provider, which stays the caller's to
// flush and to shut down.
//
// A record of a node has the node's trace id, span id and flags, also in a run
// that OpenTelemetry is not joined with, and its place as attributes, as with
// [NewHandler]. Text that is not valid UTF-8, with which an exporter would lose a
// whole batch, is made valid. No OpenTelemetry global is used.
func NewForwarder(provider log.LoggerProvider) slog.Handler {
	return newForwarder(provider, nil, nil)
}

func newForwarder(provider log.LoggerProvider, level slog.Leveler, r *privacy.Redactor) slog.Handler {
	var bridge slog.Handler = otelslog.NewHandler(buildinfo.Module,
		otelslog.WithVersion(buildinfo.Version()),
		otelslog.WithSchemaURL(semconv.SchemaURL),
		otelslog.WithLoggerProvider(validating{LoggerProvider: provider}))
	if r != nil {
		bridge = &redacting{inner: bridge, redactor: r}
	}
	return &handler{inner: bridge, top: bridge, has: fieldIDs, bridged: true, level: level}
}
