package pluginhost

import (
	"context"
	"fmt"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// Health is the state of a backend's way to its destination.
type Health struct {
	// Failing says that the backend's last flush went wrong. It is false as long as
	// there was none, and after one with nothing to export: what was lost is in [Stats].
	Failing bool
	// Message is the error of that flush.
	Message string
}

// Health asks the backend how its last flush went, once it is ready.
func (h *Host) Health(ctx context.Context) (Health, error) {
	if err := h.Ready(ctx); err != nil {
		return Health{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.spec.healthTimeout)
	defer cancel()
	r, err := h.current().rpc.Health(ctx, &pb.HealthRequest{})
	if err != nil {
		return Health{}, fmt.Errorf("backend %q: health: %w", h.spec.Name, shown(err, h.spec.Redact))
	}
	return Health{Failing: r.GetStatus() == pb.HealthResponse_STATUS_DEGRADED, Message: h.clean(r.GetMessage())}, nil
}
