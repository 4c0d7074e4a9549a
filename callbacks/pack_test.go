package callbacks

import (
	"context"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPackDuration(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(150*time.Hour)).Draw(t, "d"))
		got := unpackDuration(packDuration(d))
		if got > d || float64(d-got) > float64(d)*1e-5 {
			t.Fatalf("%d became %d", d, got)
		}
	})
	if got := unpackDuration(packDuration(math.MaxInt64)); got < 150*time.Hour {
		t.Errorf("the longest became %s", got)
	}
	run := NewRun(context.Background(), RunConfig{Pipeline: &Node{Name: "p"}})
	cc := &CallbackContext{}
	run.Begin(cc, Scope{Kind: KindMapItem, Node: &Node{Name: "n"}})
	cc.Queue(math.MaxInt64)
	cc.End()
	if cc.Kind() != KindMapItem || cc.Queued() < 150*time.Hour || run.Queued() != 0 {
		t.Errorf("kind %s, queued %s", cc.Kind(), cc.Queued())
	}
}
