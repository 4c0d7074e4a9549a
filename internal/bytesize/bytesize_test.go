package bytesize_test

import (
	"math"
	"testing"

	"github.com/spanloom/spanloom/internal/bytesize"
)

func TestText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		-1:            "0 B",
		0:             "0 B",
		1:             "1 B",
		1023:          "1023 B",
		1 << 10:       "1 KiB",
		1000 * 1000:   "976.6 KiB",
		1<<10 + 512:   "1.5 KiB",
		1<<20 - 1:     "1 MiB", // not 1024 KiB
		1 << 20:       "1 MiB",
		1<<20 + 1:     "1 MiB",
		64 << 20:      "64 MiB",
		1 << 30:       "1 GiB",
		5 << 40:       "5 TiB",
		3 << 49:       "1.5 PiB",
		math.MaxInt64: "8 EiB",
		math.MinInt64: "0 B",
	} {
		if got := bytesize.Text(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
