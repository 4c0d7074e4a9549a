package otlptrace

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/internal/otlpspan"
	"github.com/spanloom/spanloom/plugins/internal/otlpclient"
)

// exporter encodes spans, in requests of a size, for a client.
type exporter struct {
	client *otlpclient.Client
	size   int
	partly atomic.Int64 // spans that were taken of requests of which others were not
}

var _ otlpspan.Exporter = (*exporter)(nil)

// RequestSize implements otlpspan.Exporter.
func (e *exporter) RequestSize() int { return e.size }

// Buffer implements otlpspan.Exporter.
func (e *exporter) Buffer() *[]byte { return e.client.Buffer() }

// ExportRequest implements otlpspan.Exporter.
func (e *exporter) ExportRequest(ctx context.Context, spans int, request *[]byte) error {
	err := e.client.SendSpans(ctx, spans, request)
	if failed, ok := errors.AsType[*otlpclient.Error](err); ok && failed.Rejected > 0 {
		e.partly.Add(max(int64(spans)-failed.Rejected, 0))
	}
	return err
}

// ExportSpans implements sdktrace.SpanExporter. A request that fails does not
// keep the others from being sent, as long as there is time.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var errs []error
	for part := range slices.Chunk(spans, e.size) {
		request := e.Buffer()
		*request = otlpspan.AppendRequest(*request, part)
		errs = append(errs, e.ExportRequest(ctx, len(part), request))
	}
	return errors.Join(errs...)
}

// Shutdown implements sdktrace.SpanExporter. The client ends with it.
func (e *exporter) Shutdown(context.Context) error { return e.client.Stop() }

// causes returns the exports that failed, of all that err is made of, each text
// once; nil when there are none.
func causes(err error) error {
	var list []error
	var walk func(error)
	walk = func(err error) {
		if e, ok := err.(*otlpclient.Error); ok { //nolint:errorlint // the walk unwraps
			list = append(list, e)
			return
		}
		switch e := err.(type) { //nolint:errorlint // the walk unwraps
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				walk(err)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return several(list...)
}

// lines is several errors on one line.
type lines []error

func (l lines) Unwrap() []error { return l }

func (l lines) Error() string {
	texts := make([]string, len(l))
	for i, err := range l {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// several joins errors on one line, each text once; those that are nil are left
// out.
func several(errs ...error) error {
	seen := map[string]bool{}
	errs = slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || seen[err.Error()] {
			return true
		}
		seen[err.Error()] = true
		return false
	})
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	default:
		return lines(errs)
	}
}
