//go:build unix

package pluginhost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// sparing is an instance that does not need each call of some hooks.
type sparing struct {
	callbacktest.Recorder

	needs callbacks.Hook
}

func (s *sparing) Needs() callbacks.Hook     { return s.needs }
func (*sparing) Flush(context.Context) error { return nil }
func (*sparing) Close(context.Context) error { return nil }

// startSparing returns a host of such an instance, that knows what it needs.
func startSparing(t *testing.T, in *sparing) *Host {
	t.Helper()
	h := start(t, Spec{Name: "sparing", Launch: InProcess(backend.Backend{
		Name: "sparing", Linger: time.Millisecond,
		Open: func(context.Context, backend.Config) (backend.Instance, error) { return in, nil },
	})})
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// heard are the events of some hooks, each with the scopes around it.
func heard(events []callbacktest.Event, hooks callbacks.Hook) (lines []string) {
	for _, e := range events {
		if e.Hook&hooks == 0 {
			continue
		}
		line := hooktest.Line(e)
		for cc := e.Context; cc != nil && e.Hook != callbacks.HookCrashed; cc = cc.Parent() { // nothing is known around that
			line += fmt.Sprint(" < ", cc.Kind(), " ", cc.SpanID())
		}
		lines = append(lines, line)
	}
	return lines
}

// TestDispensable: what a backend does not need is not sent where nothing depends on
// it, so that the rest arrives as if it were.
func TestDispensable(t *testing.T) {
	for _, spared := range []callbacks.Hook{0, callbacks.HookNodeStart, callbacks.HookMapItemStart, dispensable, dispensable | callbacks.HookNodeRetry} {
		t.Run(spared.String(), func(t *testing.T) {
			in := &sparing{needs: callbacks.AllHooks &^ spared}
			h := startSparing(t, in)
			var said callbacktest.Recorder
			for seed := range uint64(60) {
				hooktest.Random(callbacks.Multi(&said, h), seed)
			}
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(heard(said.Events(), in.needs), heard(in.Events(), in.needs)); diff != "" {
				t.Errorf("(-said +heard)\n%s", diff)
			}
			all, got := heard(said.Events(), spared), heard(in.Events(), spared)
			for _, line := range got {
				if before, _, _ := strings.Cut(line, " < "); !slices.ContainsFunc(all, func(l string) bool { return strings.HasPrefix(l, before) }) {
					t.Errorf("nobody said %s", line)
				}
			}
			if left := len(all) - len(got); spared&dispensable != 0 && left == 0 || spared == 0 && left != 0 {
				t.Errorf("%d of %d events were left out", left, len(all))
			}
			if st := h.Stats(); st.Emitted != uint64(len(in.Events())) || st.Delivered != st.Emitted {
				t.Errorf("%d events: %+v", len(in.Events()), st)
			}
		})
	}
}

// TestLongNodeIsTold: the start of what does not end soon arrives before its end, once.
func TestLongNodeIsTold(t *testing.T) {
	in := &sparing{needs: callbacks.AllHooks &^ dispensable}
	h := startSparing(t, in)
	run := hooktest.Start(h, hooktest.Config("daily"))
	long := run.Node("long")
	item := run.Map("each", 1, 1).Item(0)
	await(t, 5*time.Second, "hear of what runs", func() bool {
		return len(heard(in.Events(), dispensable)) == 2
	})
	long.OK(time.Second)
	item.OK(time.Second)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := heard(in.Events(), dispensable|callbacks.HookNodeEnd|callbacks.HookMapItemEnd); len(got) != 4 {
		t.Errorf("heard %q", got)
	}
}

// TestUnendedAreToldOnce: of scopes in one shard, those that go on are told of once,
// whatever began and ended between them.
func TestUnendedAreToldOnce(t *testing.T) {
	q := newQueue(1<<20, DropNewest)
	root := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	list := make([]*callbacks.CallbackContext, 0, 6)
	for i := 0; len(list) < cap(list); i++ {
		cc := &callbacks.CallbackContext{}
		if root.BeginNode(cc, &callbacks.Node{Name: fmt.Sprint(len(list)), Type: "func"}, 0); q.shard(cc) == &q.shards[0] {
			list = append(list, cc)
		}
	}
	told := func() (names string) {
		q.unended()
		var p pending
		q.take(&p)
		for _, r := range p.records {
			if r.Hook != callbacks.HookNodeStart {
				t.Errorf("%s is queued", r.Hook)
			}
			names += r.Context.Name()
		}
		return names
	}
	q.begin(list[0]) // goes on
	q.begin(list[1])
	list[1].End()
	q.begin(list[2]) // goes on
	q.begin(list[3]) // ends before somebody asks, after another has begun
	q.begin(list[4])
	list[3].End()
	if got := told(); got != "024" {
		t.Errorf("told of %q", got)
	}
	q.begin(list[5])
	if got := told(); got != "5" {
		t.Errorf("then told of %q", got)
	}
	for _, i := range []int{0, 2, 4, 5} {
		list[i].End()
	}
	if got := told(); got != "" {
		t.Errorf("then told of %q", got)
	}
}
