package otlpclient

import (
	"context"
	"regexp"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestDoing: a collector that refuses once and then hangs.
func TestDoing(t *testing.T) {
	calls := make(chan int, 2)
	calls <- 0
	again, release := make(chan struct{}), make(chan struct{})
	c := overGRPCTo(t, otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		select {
		case <-calls:
			return nil, status.Error(codes.Unavailable, "come back, "+canary)
		default:
		}
		close(again)
		<-release
		return &coltracepb.ExportTraceServiceResponse{}, nil
	}).Endpoint, "5s")
	if got := c.Doing(); got != "" {
		t.Error(got)
	}
	sent := make(chan error)
	go func() { sent <- c.Send(t.Context(), spans(1)) }()
	<-again
	want := "^export to " + regexp.QuoteMeta(c.settings.Endpoint.String()) + `: under way for \d(\.\d)?s|\d+ms, last attempt: come back, \S*$`
	if got := c.Doing(); !regexp.MustCompile(want).MatchString(got) || regexp.MustCompile(canary).MatchString(got) {
		t.Error(got)
	}
	close(release)
	if err := <-sent; err != nil || c.Doing() != "" {
		t.Error(err, c.Doing())
	}
}
