package cachetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/spanloom/spanloom/cache"
)

// Run checks the rules of [cache.Store] one by one, each as a subtest with a
// store of its own. The function open returns an empty store that holds 64 MiB
// and some thousands of entries without forgetting any; it closes the store
// with t.Cleanup if need be.
func Run(t *testing.T, open func(t *testing.T) cache.Store) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.title(), func(t *testing.T) {
			if err := r.check(t.Context(), open(t)); err != nil {
				t.Errorf("rule %s: %v", r.title(), err)
			}
		})
	}
}

// A rule checks one of the rules of cache.Store on an empty store.
type rule struct {
	number int
	name   string
	check  func(context.Context, cache.Store) error
}

func (r rule) title() string { return fmt.Sprintf("%d %s", r.number, r.name) }

var rules = []rule{
	{1, "a hit after put", hitAfterPut},
	{2, "an empty value is a hit", emptyValue},
	{3, "put replaces", replaced},
	{4, "an unknown key is a miss", unknownKey},
	{5, "cost, time and span survive", facts},
	{6, "the caller may change its bytes", ownBytes},
	{7, "concurrent use", concurrentUse},
	{8, "a cancelled context does no harm", cancelledContext},
	{9, "a large value", largeValue},
	{10, "keys are told apart", keysApart},
}
