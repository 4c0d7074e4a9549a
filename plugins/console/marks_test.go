package console

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// TestMarks shows values that node code has marked on the line of its step.
func TestMarks(t *testing.T) {
	t.Parallel()
	out := render(t, backend.Config{}, func(in backend.Instance) {
		run := hooktest.Start(in, hooktest.Config("daily"))
		train := run.Node("train")
		train.Metric("model.loss", 0.30000000000000004)
		train.Metric("rows", 1234567890)
		train.Metric("model.loss", 0.1+0.2)
		train.OK(ms)
		many := run.Node("many")
		for i := range 7 {
			many.Metric(fmt.Sprint("v", i), float64(i))
		}
		many.OK(ms)
		run.Replayed("load", callbacks.NodeCached{Reason: "resume"}, "rows", -2)
		items := run.Map("parse", 1, 0)
		item := items.Item(0)
		item.Metric("lines", 3) // has no line
		item.OK(0)
		items.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: 1})
		run.OK(ms)
		check(t, run)
	})
	var got []string
	for line := range strings.Lines(out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"pipeline daily run 4f1c2a9b trace 7d0e0000000000000000000000000001",
		"node train 1.0ms ok model.loss=0.3 rows=1.23457e+09",
		"node many 1.0ms ok v0=0 v1=1 v2=2 v3=3 v4=4 more values",
		"node load cached by an earlier start rows=-2",
		"map parse <0.1ms ok 1 item",
		"pipeline daily 1.0ms ok",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
