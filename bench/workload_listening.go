package bench

import (
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// Spanloom with a listener that does nothing. What they cost on W1 is what the
// engine does for them; what a real listener does comes on top.
const (
	deafName    = Spanloom + "+deaf"    // wants no hook
	untimedName = Spanloom + "+untimed" // wants all hooks, no times
	timedName   = Spanloom + "+timed"   // wants all there is
	itemsName   = Spanloom + "+items"   // wants the start and end of map items, with times
)

// listener is a callback that wants some hooks and does nothing with them.
type listener struct {
	callbacks.Base

	hooks callbacks.Hook
}

// Hooks returns what the listener wants.
func (l listener) Hooks() callbacks.Hook { return l.hooks }

func listening(s Sizes) []Workload {
	var list []Workload
	for _, l := range []struct {
		engine string
		hooks  callbacks.Hook
	}{
		{deafName, 0},
		{untimedName, callbacks.AllHooks &^ callbacks.Times},
		{timedName, callbacks.AllHooks},
	} {
		list = append(list, Workload{
			Name: chainName, Engine: l.engine, Nodes: s.Chain,
			Make: chainJob(s.Chain, listeningChain(listener{hooks: l.hooks})),
		})
	}
	items := listener{hooks: callbacks.HookMapItemStart | callbacks.HookMapItemEnd | callbacks.Times}
	return append(list, Workload{
		Name: mapName, Engine: itemsName, Nodes: s.Items,
		Make: mapJob(s.Items, func(int) (mapper, error) { return spanloomItems(heard(items)), nil }),
	})
}

func listeningChain(cbs ...callbacks.PipelineCallback) func(n int) (step, error) {
	return func(n int) (step, error) { return spanloomStep(spanloomChain(names(n)), heard(cbs...)), nil }
}

func heard(cbs ...callbacks.PipelineCallback) engine.Config { return engine.Config{Callbacks: cbs} }
