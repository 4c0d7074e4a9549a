package pluginhost

import "time"

// supervisor says when a backend that has ended is started again. It has no clock
// and starts nothing itself.
//
// The first time it is soon, and each time after that twice as late, until the
// backend has been up for a while. One that ends again and again is left alone for
// longer, and tried now and then: somebody may have mended it.
type supervisor struct {
	first time.Duration // the first delay
	ends  int           // since the backend was last up for long
}

const (
	firstDelay = 250 * time.Millisecond
	// breakAfter is the number of ends after which the delay is long: 30 s.
	breakAfter = 5
	long       = 120 // times the first delay
	// steady is how long a backend must be up for its earlier ends to be forgotten.
	steady = time.Minute
)

// next returns how long to wait after a backend has ended that was up for some time.
// random, from 0 to 1, keeps many programs from starting theirs at once.
func (s *supervisor) next(up time.Duration, random float64) time.Duration {
	if up >= steady {
		s.ends = 0
	}
	s.ends = min(s.ends+1, breakAfter)
	delay := s.first * long
	if s.ends < breakAfter {
		delay = s.first << (s.ends - 1)
	}
	const spread = 0.2
	return time.Duration(float64(delay) * (1 - spread + 2*spread*random))
}
