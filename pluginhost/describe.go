package pluginhost

import (
	"context"
	"fmt"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// Describe starts the backend of spec, asks what it is and ends it. The backend gets
// no config and no events.
func Describe(ctx context.Context, spec Spec) (Description, error) {
	spec.setDefaults()
	spec.logLine = func(string) {}
	ctx, cancel := context.WithTimeout(ctx, 2*spec.StartTimeout)
	defer cancel()
	fail := func(err error) (Description, error) {
		return Description{}, &hostError{name: spec.Name, place: spec.Place, err: shown(err, spec.Redact)}
	}
	s, err := spec.Launch.launch(ctx, &spec)
	if err != nil {
		return fail(err)
	}
	defer s.stop(context.WithoutCancel(ctx), false)
	d, err := s.rpc.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return fail(fmt.Errorf("it did not say what it is: %w", err))
	}
	if err := checkSchema(d.GetConfigSchema()); err != nil {
		return fail(err)
	}
	return Description{
		Name: clean(d.GetName(), spec.Redact), Version: clean(d.GetVersion(), spec.Redact), Protocol: int(d.GetProtocolVersion()),
		Schema: d.GetConfigSchema(), Linger: time.Duration(d.GetLinger()),
	}, nil
}
