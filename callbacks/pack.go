package callbacks

import (
	"math/bits"
	"time"
)

// A duration is packed into 23 bits, as a context has no more to spare: 18 of its
// leading digits and a 5-bit exponent. The largest is 156 hours.
const (
	mantissaBits = 18
	exponentBits = 5

	maxPacked = 1<<(mantissaBits+exponentBits) - 1
)

// packDuration rounds down; d must not be negative.
func packDuration(d time.Duration) uint32 {
	shift := max(bits.Len64(uint64(d))-mantissaBits, 0)
	if shift >= 1<<exponentBits {
		return maxPacked
	}
	return uint32(d>>shift) | uint32(shift)<<mantissaBits
}

func unpackDuration(p uint32) time.Duration {
	return time.Duration(p&(1<<mantissaBits-1)) << (p >> mantissaBits)
}
