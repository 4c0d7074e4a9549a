package pluginhost

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

func TestCallTimes(t *testing.T) {
	t.Parallel()
	var c callTimes
	c.add("Stream", "", 3*time.Millisecond)
	c.add("Stream", exportFailed, time.Hour)
	c.add("Stream", "", -time.Second) // a clock that ran backwards
	c.add("Health", "", time.Second)
	got := c.all()
	if len(got) != 3 || got[0].Method != "Health" || got[1].ErrorType != "" || got[2].ErrorType != "export_failed" {
		t.Fatalf("%+v", got)
	}
	ok := got[1]
	if ok.Sum != 3*time.Millisecond || ok.Buckets[0] != 1 || ok.Buckets[1] != 1 || got[2].Buckets[15] != 1 {
		t.Errorf("%+v", got)
	}
	for code, want := range map[codes.Code]string{
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN",
		codes.Unavailable: "UNAVAILABLE", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	} {
		if name := statusName(code); name != want {
			t.Errorf("%v is %s, want %s", code, name, want)
		}
	}
}
