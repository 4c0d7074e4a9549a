package hooktest_test

import (
	"testing"

	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

func TestRunKeepsTheRules(t *testing.T) {
	for seed := range uint64(200) {
		var rec callbacktest.Recorder
		n := hooktest.Random(&rec, seed)
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := len(rec.Events()); got != n {
			t.Fatalf("seed %d: %d events, said %d", seed, got, n)
		}
	}
}
