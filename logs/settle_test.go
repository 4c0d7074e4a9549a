package logs_test

import (
	"bytes"
	"testing"

	"github.com/spanloom/spanloom/logs"
)

// holding counts how often it is settled.
type holding struct {
	bytes.Buffer

	settled int
}

func (h *holding) Settle() { h.settled++ }

// TestWarningsAreSettled: of a writer that holds lines back, those of level warn and
// above are asked for.
func TestWarningsAreSettled(t *testing.T) {
	w := &holding{}
	l, err := logs.New(w, logs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l.Debug("no line")
	l.Info("a line")
	if w.settled != 0 {
		t.Errorf("settled %d times for less than a warning", w.settled)
	}
	l.Warn("a line")
	l.With("a", 1).Error("a line")
	l.WithGroup("g").Error("a line")
	if n := bytes.Count(w.Bytes(), []byte("a line")); n != 4 || w.settled != 3 {
		t.Errorf("%d lines, settled %d times", n, w.settled)
	}
}
