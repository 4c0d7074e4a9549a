package wire_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

// older takes away what hosts do not send, and backends do not see, that are
// older than retries of items, caches, resumed runs, steps with runners, exports,
// counts, times of attempts and queues, what computed stored results, labels and
// versions.
func older(b *pb.Batch) *pb.Batch {
	b, _ = proto.Clone(b).(*pb.Batch)
	b.Lookups, b.Resumed, b.Events.Runner, b.Events.Queued, b.Counts, b.Exports = nil, nil, nil, nil, nil, nil
	b.Attributes = nil
	if c := b.Cached; c != nil {
		c.Span, c.TraceHi, c.TraceLo = nil, nil, nil
	}
	for _, n := range b.Nodes {
		n.Version = 0
	}
	if b.Retries != nil {
		b.Retries.Took = nil
	}
	if b.Cached != nil {
		b.Cached.Tier, b.Cached.Size = nil, nil
	}
	for i, h := range b.Events.Hook {
		if h == pb.Hook_HOOK_MAP_ITEM_END {
			b.Events.Attempts[i] = 0
		}
	}
	return b
}

var (
	queued = regexp.MustCompile(` queued=\S+`)
	counts = regexp.MustCompile(` \{\d+ \d+ \d+\}`)
	stored = regexp.MustCompile(` disk\d+$`)
)

// TestOlderHosts: what such a host leaves out has the value that it had then,
// and all else is as it was said.
func TestOlderHosts(t *testing.T) {
	for seed := range uint64(50) {
		if seed%7 == 6 {
			continue // a run with a link to another, which such a host does not have
		}
		var said, heard callbacktest.Recorder
		hooktest.Random(&said, seed)
		dec := wire.NewDecoder()
		for _, b := range encode(said.Events(), 40) {
			if err := dec.Deliver(older(b), &heard); err != nil {
				t.Fatal(err)
			}
		}
		if err := callbacktest.Check(heard.Events()); err != nil {
			for line := range strings.Lines(err.Error()) {
				// It did not send the attempts of items, nor did it count.
				if !strings.HasPrefix(line, "rule 10:") && !strings.HasPrefix(line, "rule 11:") {
					t.Fatal(err)
				}
			}
		}
		want := hooktest.Lines(said.Events())
		for i, e := range said.Events() {
			if e.Hook == callbacks.HookMapItemEnd {
				at := strings.LastIndex(want[i], " attempts=")
				want[i] = want[i][:at] + " attempts=1"
			}
			for _, cut := range []string{" lookup=", " resumed=", " from=", " label="} {
				want[i], _, _ = strings.Cut(want[i], cut)
			}
			want[i] = strings.ReplaceAll(want[i], "/pipeline/1.4/", "/pipeline//")
			want[i] = strings.ReplaceAll(want[i], "runner=sequential", "runner=local")
			want[i] = queued.ReplaceAllString(want[i], " queued=0s")
			want[i] = counts.ReplaceAllString(want[i], " {0 0 0}")
			want[i] = stored.ReplaceAllString(want[i], " 0")
			if ev, ok := e.Event.(callbacks.NodeRetry); ok {
				ev.Start, ev.Duration = 0, 0
				e.Event = ev
				want[i] = queued.ReplaceAllString(strings.ReplaceAll(hooktest.Line(e), "runner=sequential", "runner=local"), " queued=0s")
			}
		}
		if diff := cmp.Diff(want, hooktest.Lines(heard.Events())); diff != "" {
			t.Fatalf("seed %d: (-want +heard)\n%s", seed, diff)
		}
	}
}

// TestWhatNobodyUsesIsNotSent: a run without caches and with one runner is as
// large as it was before there were others.
func TestWhatNobodyUsesIsNotSent(t *testing.T) {
	var said callbacktest.Recorder
	run := hooktest.Start(&said, hooktest.Config("daily"))
	run.Node("fetch").OK(0)
	m := run.Map("parse", 1, 0)
	m.Item(0).OK(0)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: 1})
	run.OK(0)
	b := encode(said.Events(), 100)[0]
	if b.Lookups != nil || b.Resumed != nil || len(b.Events.Runner) > 0 || len(b.Events.Queued) > 0 || b.Attributes != nil || b.Recorded != nil || len(b.Exports) > 0 {
		t.Errorf("sent %v, %v and %v", b.Lookups, b.Resumed, b.Events.Runner)
	}
}

// TestRunners: a scope that is read alone, and those inside it, have the runner
// that they had.
func TestRunners(t *testing.T) {
	var said callbacktest.Recorder
	root := callbacks.NewRun(t.Context(), hooktest.Config("daily"))
	inner, node := &callbacks.CallbackContext{}, &callbacks.CallbackContext{}
	root.Begin(inner, callbacks.Scope{
		Kind: callbacks.KindPipeline, Node: &callbacks.Node{Name: "inner"}, Index: -1, Attempt: 1,
	})
	inner.Override(callbacks.Override{Runner: "sequential"})
	inner.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
	said.OnPipelineStart(root, callbacks.PipelineStart{})
	said.OnNestedPipelineStart(root, callbacks.NestedPipelineStart{Child: inner})
	said.OnNodeStart(node, callbacks.NodeStart{})
	said.OnPipelineEnd(root, callbacks.PipelineEnd{})
	for _, size := range []int{1, 2, 100} {
		var heard callbacktest.Recorder
		dec := wire.NewDecoder()
		for _, b := range encode(said.Events(), size) {
			if err := dec.Deliver(b, &heard); err != nil {
				t.Fatal(err)
			}
		}
		var runners []string
		for _, e := range heard.Events() {
			cc := e.Context
			if ev, ok := e.Event.(callbacks.NestedPipelineStart); ok {
				cc = ev.Child
			}
			runners = append(runners, cc.Runner())
		}
		if got := strings.Join(runners, " > "); got != "local > sequential > sequential > local" {
			t.Errorf("batches of %d: runners %s", size, got)
		}
	}
}
