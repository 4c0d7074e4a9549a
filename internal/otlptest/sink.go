package otlptest

import (
	"context"
	"encoding/hex"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/backend/conformance"
)

// Sink starts a collector whose behaviour can be set, for the rules of
// backends. It returns its URL.
func Sink(t *testing.T) (endpoint string, sink conformance.Sink) {
	t.Helper()
	var mu sync.Mutex
	state, changed := conformance.Works, make(chan struct{})
	c := Start(t, nil, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, take grpc.UnaryHandler) (any, error) {
		for {
			mu.Lock()
			now, next := state, changed
			mu.Unlock()
			switch now {
			case conformance.Fails:
				return nil, status.Error(codes.PermissionDenied, "no more today")
			case conformance.Hangs:
			default:
				return take(ctx, req)
			}
			select {
			case <-ctx.Done():
				return nil, status.FromContextError(ctx.Err()).Err()
			case <-next:
			}
		}
	}))
	return c.Endpoint, conformance.Sink{
		Set: func(s conformance.State) {
			mu.Lock()
			defer mu.Unlock()
			state = s
			close(changed)
			changed = make(chan struct{})
		},
		Spans: func() (ids []string) {
			for _, sp := range c.AllSpans() {
				ids = append(ids, hex.EncodeToString(sp.GetSpanId()))
			}
			return ids
		},
	}
}
