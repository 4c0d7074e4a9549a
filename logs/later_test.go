package logs

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
)

// messages returns those that were written, in order.
func (b *buffer) messages(t *testing.T) (list []string) {
	t.Helper()
	for _, r := range b.records(t) {
		list = append(list, r["msg"].(string))
	}
	return list
}

// begin and end are what a run says at INFO.
func begin(l callbacks.PipelineCallback, cc *callbacks.CallbackContext) {
	l.OnPipelineStart(cc, callbacks.PipelineStart{})
}

func end(l callbacks.PipelineCallback, cc *callbacks.CallbackContext) {
	l.OnPipelineEnd(cc, callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}})
}

// TestLaterKeepsOrder: what another logger of the same Later writes comes after what
// waits, in a run or not, and so does a failure.
func TestLaterKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buffer
		var later Later
		log := logged(t, &b, Config{Later: &later})
		l, cc := Lifecycle(log.With("a", 1)), run(t.Context())
		fetch := inside(cc, callbacks.KindNode, "fetch", -1, 1)

		begin(l, cc)
		log.WithGroup("g").InfoContext(fetch, "in the node", "x", 1)
		begin(l, cc)
		l.OnError(fetch, callbacks.Failure{Err: io.EOF})
		begin(l, cc)
		log.Info("outside")
		begin(l, cc)
		slog.New(NewHandler(log.Handler())).InfoContext(fetch, "by a handler around it")
		end(l, cc)
		later.Flush()
		want := []string{
			"run started", "in the node", "run started", "node failed", "run started", "outside",
			"run started", "by a handler around it", "run ended",
		}
		if diff := cmp.Diff(want, b.messages(t)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestLaterWritesByItself says when, and what stands in the record.
func TestLaterWritesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buffer
		var later Later
		l, cc := Lifecycle(logged(t, &b, Config{Later: &later})), run(t.Context())
		for range 2 { // the timer is set again
			made := time.Now()
			begin(l, cc)
			before := b.String()
			time.Sleep(laterAfter / 2)
			end(l, cc)
			synctest.Wait()
			if b.String() != before {
				t.Fatal("it did not wait")
			}
			time.Sleep(laterAfter / 2)
			synctest.Wait()
			list := b.records(t)
			first := list[len(list)-2]
			if first["msg"] != "run started" || first["spanloom.run.id"] != "r1" || first["time"] != made.Format(time.RFC3339Nano) {
				t.Errorf("%v, made at %v", first, made)
			}
		}
		later.Close()
		begin(l, cc)
		if got := b.messages(t); len(got) != 5 {
			t.Errorf("after Close %d records are written, want 5", len(got))
		}
	})
}

// TestLaterLosesNothing has many runs say more than may wait, while others flush,
// write and close: each record is written once, and those of a run in order.
func TestLaterLosesNothing(t *testing.T) {
	var b buffer
	var later Later
	log := logged(t, &b, Config{Later: &later})
	const runs, times = 8, 2 * maxLater
	var all sync.WaitGroup
	for i := range runs {
		all.Go(func() {
			l, cc := Lifecycle(log), callbacks.NewRun(t.Context(), callbacks.RunConfig{
				ID: string(rune('a' + i)), Pipeline: &callbacks.Node{Name: "p"},
			})
			for n := range times {
				begin(l, cc)
				if n%8 == 0 {
					log.InfoContext(cc, "in the run")
				}
				end(l, cc)
				switch {
				case i == 0 && n == times/2:
					later.Close()
				case i == 1:
					later.Flush()
				}
			}
		})
	}
	all.Wait()
	later.Flush()
	seen, next := map[string]int{}, map[string][]string{}
	for _, r := range b.records(t) {
		id, msg := r["spanloom.run.id"].(string), r["msg"].(string)
		if len(next[id]) == 0 {
			next[id] = []string{"run started", "run ended"}
			if seen[id]%8 == 0 {
				next[id] = []string{"run started", "in the run", "run ended"}
			}
			seen[id]++
		}
		if msg != next[id][0] {
			t.Fatalf("run %s, round %d: %q, want %q", id, seen[id], msg, next[id][0])
		}
		next[id] = next[id][1:]
	}
	for id, n := range seen {
		if n != times || len(next[id]) > 0 {
			t.Errorf("run %s: %d rounds, %q missing, want %d", id, n, next[id], times)
		}
	}
	if len(seen) != runs {
		t.Errorf("%d runs, want %d", len(seen), runs)
	}
}

// hostile is a handler that logs while it is called, and panics then.
type hostile struct {
	slog.Handler

	log func() *slog.Logger
}

func (h hostile) Handle(ctx context.Context, r slog.Record) error {
	_ = h.Handler.Handle(ctx, r)
	if r.Message == "run started" {
		h.log().Info("something went wrong") //nolint:sloglint // as libraries do, which know of no run
		h.log().InfoContext(ctx, "in this run")
		panic("and more")
	}
	return nil
}

// TestLaterWithHostileHandler: a handler may log, and may panic, which nobody else
// would recover.
func TestLaterWithHostileHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buffer
		var later Later
		var log *slog.Logger
		log = slog.New(&following{NewHandler(hostile{slog.NewJSONHandler(&b, nil), func() *slog.Logger { return log }}), &later})
		l, cc := Lifecycle(log), run(t.Context())
		begin(l, cc)
		end(l, cc)
		time.Sleep(laterAfter)
		synctest.Wait()
		want := []string{"run started", "something went wrong", "in this run", "run ended"}
		if diff := cmp.Diff(want, b.messages(t)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
