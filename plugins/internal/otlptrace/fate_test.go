package otlptrace

import (
	"context"
	"strings"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestCloseSaysWhyAndNotHowMuch: the host counts, and may keep all of it.
func TestCloseSaysWhyAndNotHowMuch(t *testing.T) {
	in := openAt(t, otlptest.Refused(t))
	emit(t, in)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := in.Close(ctx); err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "lost") {
		t.Error(err)
	}
}

// TestOnlyWhatArrivedIsExported also of a request that was taken in part.
func TestOnlyWhatArrivedIsExported(t *testing.T) {
	rejects := int64(0)
	c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		return &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: rejects}}, nil
	})
	in := openAt(t, c.Endpoint)
	exported := func() uint64 {
		e, ok := in.(interface{ Exported() uint64 })
		if !ok {
			t.Fatalf("%T does not count", in)
		}
		return e.Exported()
	}
	for _, tt := range []struct {
		rejects      int64
		arrived, bad uint64
	}{{0, 4, 0}, {3, 1, 3}, {4, 0, 4}} {
		before := exported()
		rejects = tt.rejects
		emit(t, in)
		err := in.Flush(t.Context())
		if got := exported() - before; got != tt.arrived {
			t.Errorf("%d rejected: %d exported, want %d", tt.rejects, got, tt.arrived)
		}
		lost, ok := err.(interface{ Lost() backend.Losses })
		if ok != (tt.bad > 0) || ok && tt.arrived > 0 && lost.Lost().Hooks != int(tt.bad) {
			t.Errorf("%d rejected: %v", tt.rejects, err)
		}
	}
	before := exported()
	if err := in.Flush(t.Context()); err != nil || exported() != before {
		t.Errorf("with nothing new: %v, %d more", err, exported()-before)
	}
}
