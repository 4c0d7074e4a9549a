package metrics

import "github.com/spanloom/spanloom/callbacks"

// crashed is the error.type of a run whose process has died, as on its span.
const crashed = "crashed"

// OnCrashed counts a run whose process has died, once. What was running in it did
// not fail by itself, and is not counted.
func (c *Callback) OnCrashed(cc *callbacks.CallbackContext, _ callbacks.Crashed) {
	if cc.Kind() == callbacks.KindPipeline && cc.Depth() == 0 {
		c.errors.of(labels{component: cc.Kind().String(), errorType: crashed}).add(shardOf(cc, c.shards), 1)
	}
}
