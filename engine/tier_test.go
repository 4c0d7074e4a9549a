package engine_test

import (
	"context"
	"testing"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// panicky is a store that cannot say what it is.
type panicky struct{ cache.Store }

func (panicky) Tier() string { panic("oops") }

// TestTiers holds what hooks are told of the place of stored results, and of their
// size.
func TestTiers(t *testing.T) {
	t.Parallel()
	const result = `"0123456789"`
	all := stores(t, 0)
	all[""] = panicky{all["memory"]}
	for tier, store := range all {
		p := single(func(context.Context, int) (string, error) { return "0123456789", nil }, engine.WithCache("of "+tier))
		for range 2 {
			rec := &callbacktest.Recorder{}
			if _, err := p.Run(t.Context(), 1, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}}); err != nil {
				t.Fatal(err)
			}
			for _, ev := range rec.Events() {
				switch e := ev.Event.(type) {
				case callbacks.NodeEnd:
					if e.Cache.Tier != tier || e.Cache.Stored != len(result) {
						t.Errorf("%q: a miss says %+v", tier, *e.Cache)
					}
				case callbacks.NodeCached:
					if e.Tier != tier || e.Size != len(result) {
						t.Errorf("%q: a hit says %+v", tier, e)
					}
				}
			}
		}
	}
}
