package console

import (
	"fmt"
	"time"
)

// duration returns d in at most 7 columns for less than 1000 hours.
func duration(d time.Duration) string {
	switch {
	case d < 50*time.Microsecond:
		return "<0.1ms"
	case d < 999950*time.Microsecond:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	case d < 59995*time.Millisecond:
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}
