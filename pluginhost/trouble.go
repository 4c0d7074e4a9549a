package pluginhost

import (
	"log/slog"
	"time"
)

// trouble is what a backend has told of its exports. A program that runs for weeks
// must say that they fail when they do, not at its end.
type trouble struct {
	failing bool
	told    time.Time // when that was said last
}

// tellAgain is the least time between two words about the same backend.
const tellAgain = time.Minute

// exports notes whether a batch was exported: problem says why it was not. Once
// Shutdown has begun, the line about losses says it.
func (h *Host) exports(problem string) {
	h.mu.Lock()
	t := &h.trouble
	changed := t.failing != (problem != "")
	t.failing = problem != ""
	silent := !changed || h.shutdown || t.failing && time.Since(t.told) < tellAgain
	told := !t.told.IsZero()
	if !silent && t.failing {
		t.told = time.Now()
	}
	h.mu.Unlock()
	switch {
	case silent:
	case problem != "":
		h.spec.log(slog.LevelWarn, "backend cannot export", slog.String("error", problem))
	case told:
		h.spec.log(slog.LevelInfo, "backend exports again")
	}
}
