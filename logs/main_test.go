package logs

import (
	"testing"

	"go.uber.org/goleak"
)

// raceEnabled says that the tests run with the race detector.
var raceEnabled bool

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
