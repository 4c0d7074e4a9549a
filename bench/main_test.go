package bench

import (
	"os"
	"testing"
)

// TestMain makes the collector and the hosts of measurements of the test's own program.
func TestMain(m *testing.M) {
	if ServeSink() || ServeLoad() {
		return
	}
	os.Exit(m.Run())
}
