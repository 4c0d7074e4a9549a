package spanloom

import (
	"context"
	"sync"

	"github.com/spanloom/spanloom/pluginhost"
)

// Check is what a backend says of itself, and of the way to its destination.
type Check struct {
	// Name is that of the entry in the manifest.
	Name string
	// Description says what the backend is.
	Description pluginhost.Description
	// Health is that of its last flush.
	Health pluginhost.Health
	// Err is why the backend does not answer; nil when it does.
	Err error
}

// Check asks each backend what it is and whether its last flush went well, as for a
// probe of readiness; what became of telemetry is in [Telemetry.Stats]. It waits for those that are about to start until ctx ends. With
// nothing exported yet, the health is not known: see [Telemetry.Flush].
func (t *Telemetry) Check(ctx context.Context) []Check {
	hosts := t.set.Hosts()
	list := make([]Check, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			c := &list[i]
			c.Name = h.Stats().Name
			if c.Description, c.Err = h.Describe(ctx); c.Err == nil {
				c.Health, c.Err = h.Health(ctx)
			}
		})
	}
	all.Wait()
	return list
}
