package otlpclient

import (
	"testing"
	"time"
)

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, " 2 ": 2 * time.Second, "3600": maxRetryAfter, "65536": maxRetryAfter,
		"99999999999999999999999999": maxRetryAfter, "-1": 0, "1.5": 0, "1e9": 0, "+1": 0, "soon": 0, "0x10": 0,
		"Sat, 21 Nov 2026 08:00:03 GMT":    3 * time.Second,
		"Saturday, 21-Nov-26 08:00:02 GMT": 2 * time.Second,
		"Sat Nov 21 08:00:01 2026":         time.Second,
		"Fri, 21 Nov 2025 08:00:03 GMT":    0,
		"Tue, 31 Dec 9999 23:59:59 GMT":    maxRetryAfter,
		"Mon, 01 Jan 0001 00:00:00 GMT":    0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "99999999999999999999", "Sat, 21 Nov 2026 08:00:03 GMT", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(value, time.Now()); d < 0 || d > maxRetryAfter {
			t.Errorf("%q is %s", value, d)
		}
	})
}
