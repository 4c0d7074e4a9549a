package pluginhost

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSupervisor(t *testing.T) {
	t.Parallel()
	s := &supervisor{first: firstDelay}
	const middle = 0.5
	for i, tt := range []struct{ up, want time.Duration }{
		{time.Second, 250 * time.Millisecond},
		{0, 500 * time.Millisecond},
		{59 * time.Second, time.Second},
		{0, 2 * time.Second},
		{0, 30 * time.Second},
		{0, 30 * time.Second},
		{59 * time.Second, 30 * time.Second}, // still not steady
		{time.Minute, 250 * time.Millisecond},
		{time.Hour, 250 * time.Millisecond},
		{0, 500 * time.Millisecond},
	} {
		if got := s.next(tt.up, middle).Round(time.Millisecond); got != tt.want {
			t.Errorf("end %d, up for %s: again after %s, want %s", i+1, tt.up, got, tt.want)
		}
	}
}

// TestSupervisorIsNeverHasty: whatever a backend does, it is not started more than
// about six times in a minute, and never later than 36 s after its end.
func TestSupervisorIsNeverHasty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &supervisor{first: firstDelay}
		var now time.Duration
		var starts []time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "ends") {
			up := time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "up"))
			if rapid.Bool().Draw(t, "short") {
				up %= time.Second
			}
			delay := s.next(up, rapid.Float64Range(0, 1).Draw(t, "random"))
			if delay < firstDelay*8/10-1 || delay > 36*time.Second {
				t.Fatalf("again after %s", delay)
			}
			now += up + delay
			starts = append(starts, now)
			if n := len(starts) - breakAfter - 2; n >= 0 && now-starts[n] < 24*time.Second {
				t.Fatalf("%d starts within %s", breakAfter+3, now-starts[n])
			}
		}
	})
}
