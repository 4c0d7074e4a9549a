// Package bytesize writes numbers of bytes for people.
package bytesize

import (
	"math"
	"strconv"
)

// Text returns a number of bytes in the largest unit of which it has one, with at most
// one decimal, such as "1 MiB", "1.5 KiB" or "512 B". Less than nothing is nothing.
//
// It is for limits and amounts. Where a reader compares two numbers that may differ by
// a byte, write both in bytes.
func Text(n int64) string {
	value, unit := float64(max(n, 0)), "B"
	for _, next := range [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"} {
		if tenths(value) < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	return strconv.FormatFloat(tenths(value), 'f', -1, 64) + " " + unit
}

// tenths returns a value as it is shown.
func tenths(value float64) float64 { return math.Round(value*10) / 10 }
