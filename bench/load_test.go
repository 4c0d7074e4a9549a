package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestLoads measures for a moment: each figure is there, and the table has each row.
func TestLoads(t *testing.T) {
	if !canCount {
		t.Skip("processes are measured on Linux only")
	}
	list, err := Loads(LoadOptions{Bursts: 1, Steady: 300 * time.Millisecond, Turns: 1})
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := WriteLoads(&table, list); err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		for _, figure := range []float64{
			l.Start, l.HostIdle, l.BackendIdle, l.EventsPerSecond, l.NodesPerSecond, l.HostNanos, l.BackendNanos, l.Stopped,
		} {
			if figure <= 0 {
				t.Errorf("%+v", l)
			}
		}
		for _, s := range l.Steady {
			if s.HostCPU <= 0 || s.BackendCPU <= 0 || s.HostPeak <= 0 || s.BackendPeak <= 0 {
				t.Errorf("%s: %+v", l.Backend, s)
			}
		}
		if got := strings.Count(table.String(), l.Backend+" "); len(l.Steady) != 2 || got < 3 {
			t.Errorf("%s has %d rows:\n%s", l.Backend, got, table.String())
		}
	}
	if len(list) != 4 {
		t.Errorf("%d backends, want 4", len(list))
	}
}
