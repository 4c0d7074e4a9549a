package otlpclient

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns how long a Retry-After header asks to wait, by RFC 9110,
// section 10.2.3: seconds or a date. What is neither, or lies in the past, asks
// for nothing; more than the most that is granted is as much as that.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 16)
		if err != nil { // too large for the type
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
