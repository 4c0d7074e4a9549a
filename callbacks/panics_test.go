package callbacks

import (
	"fmt"
	"testing"
)

// TestPanicNamesAreBounded is not parallel: it replaces what the program has.
func TestPanicNamesAreBounded(t *testing.T) {
	panics.mu.Lock()
	before := panics.m
	panics.m = nil
	panics.mu.Unlock()
	defer func() {
		panics.mu.Lock()
		panics.m = before
		panics.mu.Unlock()
	}()
	for i := range 250 {
		countPanic(fmt.Sprint("type", i))
	}
	countPanic("type7")
	got := Panics()
	if len(got) != maxPanicNames+1 || got["other"] != 150 || got["type7"] != 2 {
		t.Errorf("%d names; %d of others, %d of type7", len(got), got["other"], got["type7"])
	}
	got["type7"] = 0
	if Panics()["type7"] != 2 {
		t.Error("the map is shared")
	}
}
