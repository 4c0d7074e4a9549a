package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// labels returns what items of maps were called, in the order of their hooks.
func labels(rec *callbacktest.Recorder) (list []string) {
	for _, ev := range rec.Events() {
		switch e := ev.Event.(type) {
		case callbacks.MapItemStart:
			list = append(list, fmt.Sprint(ev.Context, " start ", e.Label))
		case callbacks.MapItemEnd:
			list = append(list, fmt.Sprint(ev.Context, " end ", e.Label))
		case callbacks.MapItemCached:
			list = append(list, fmt.Sprint(ev.Context, " cached ", e.Label))
		}
	}
	return list
}

// TestLabels maps over a node, one with a cache, one that fails, and a pipeline.
func TestLabels(t *testing.T) {
	t.Parallel()
	inc := engine.Node("inc", increment)
	kept := engine.Node("kept", increment, engine.WithCache("1"))
	body := engine.Define("body", func(g *graph, n num) num { return engine.Add(g, inc, n) })
	label := engine.WithLabel(func(n int) string {
		switch n {
		case 2:
			panic("no name")
		case 3:
			return strings.Repeat("\u00e4", 101)
		case 4:
			return strings.Repeat("\u00e4", 100)
		}
		return fmt.Sprint("file ", n)
	})
	want := func(name, how string, starts bool) (list []string) {
		for i, l := range []string{"file 1", "", strings.Repeat("\u00e4", 97) + "...", strings.Repeat("\u00e4", 100)} {
			if starts {
				list = append(list, fmt.Sprintf("p/%s[%d] start %s", name, i, l))
			}
			list = append(list, fmt.Sprintf("p/%s[%d] %s %s", name, i, how, l))
		}
		return list
	}
	store := &shelf{}
	for i, tt := range []struct {
		step engine.Step[int, int]
		want []string
	}{
		{inc, want("inc", "end", true)},
		{kept, want("kept", "end", true)},
		{kept, want("kept", "cached", false)},
		{body, want("body", "end", true)},
	} {
		p := engine.Define("p", func(g *graph, list engine.Value[[]int]) engine.Value[[]int] {
			return engine.Map(g, tt.step, list, label)
		}, engine.WithVersion("1.4"))
		rec := &callbacktest.Recorder{}
		_, err := p.Run(t.Context(), []int{1, 2, 3, 4}, engine.Config{
			Runner: engine.Sequential(), Cache: store, Callbacks: []callbacks.PipelineCallback{rec},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, slices.Clip(labels(rec))); diff != "" {
			t.Errorf("%d (-want +got)\n%s", i, diff)
		}
		if v := rec.Events()[0].Context.Node().Version; v != "1.4" {
			t.Error(i, v)
		}
	}
}
