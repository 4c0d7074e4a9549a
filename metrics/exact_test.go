package metrics_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/engine/enginetest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/metrics"
)

// ledger hears what the callback hears and keeps it in the plainest way.
type ledger struct {
	callbacks.Base

	mu     sync.Mutex
	series map[string]*kept

	// m is told each value that is marked once more, while no other is: then the
	// latest is the same for both.
	m *metrics.Callback
}

// kept is one series: whole numbers only.
type kept struct {
	n       int64
	latest  float64 // of a gauge
	seconds bool    // n is in nanoseconds
	buckets []uint64
}

var (
	stepSeconds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	runSeconds  = []float64{0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 43200}
)

// at returns the series with the attributes, which are pairs; empty ones are left
// out.
func (l *ledger) at(name string, pairs ...string) *kept {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, pairs[i]+"="+pairs[i+1])
		}
	}
	slices.Sort(list)
	key := name + " " + strings.Join(list, ",")
	if l.series == nil {
		l.series = map[string]*kept{}
	}
	if l.series[key] == nil {
		l.series[key] = &kept{}
	}
	return l.series[key]
}

func (l *ledger) count(n int64, name string, pairs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(name, pairs...).n += n
}

func (l *ledger) measure(d time.Duration, bounds []float64, name string, pairs ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.at(name, pairs...)
	if k.buckets == nil {
		k.buckets = make([]uint64, len(bounds)+1)
	}
	k.n += int64(d)
	i, _ := slices.BinarySearch(bounds, d.Seconds())
	k.buckets[i]++
}

func (l *ledger) points() map[string]point {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]point{}
	for key, k := range l.series {
		p := point{value: float64(k.n) + k.latest}
		if k.buckets != nil || k.seconds {
			p.value = time.Duration(k.n).Seconds()
		}
		if k.buckets != nil {
			p.buckets = fmt.Sprint(k.buckets)
			for _, n := range k.buckets {
				p.count += n
			}
		}
		all[key] = p
	}
	return all
}

func place(cc *callbacks.CallbackContext) []string {
	return []string{"spanloom.pipeline.name", cc.Pipeline().Name(), "spanloom.node.name", cc.Name()}
}

func pipeline(cc *callbacks.CallbackContext) []string {
	l := []string{"spanloom.pipeline.name", cc.Name()}
	if cc.Depth() > 0 {
		l = append(l, "spanloom.pipeline.nested", "true")
	}
	return l
}

func failure(e callbacks.End) string {
	if e.Result == callbacks.ResultSuccess || e.Result == callbacks.ResultSkip || e.Result == callbacks.ResultCancellation {
		return ""
	}
	return callbacks.ErrorType(e.Err)
}

func looked(l *callbacks.CacheLookup) string {
	if l == nil {
		return ""
	}
	if l.Bypass {
		return "bypass"
	}
	return "miss"
}

func (l *ledger) looked(cc *callbacks.CallbackContext, result, tier string) {
	l.count(1, "spanloom.cache.lookups", append(place(cc), "spanloom.cache.result", result, "spanloom.cache.tier", tier)...)
}

func (l *ledger) started(cc *callbacks.CallbackContext, look *callbacks.CacheLookup) {
	if look != nil {
		l.looked(cc, looked(look), look.Tier)
	}
}

func (l *ledger) io(n int, direction string) {
	if n > 0 {
		l.count(int64(n), "spanloom.cache.io", "spanloom.cache.direction", direction)
	}
}

func (l *ledger) stored(look *callbacks.CacheLookup) {
	if look != nil {
		l.io(look.Stored, "write")
	}
}

func (l *ledger) ended(cc *callbacks.CallbackContext, e callbacks.End, cache string) {
	name := "spanloom.node.duration"
	labels := append(place(cc), "spanloom.result", e.Result.String(), "spanloom.cache.result", cache)
	if cc.Kind() == callbacks.KindMapItem {
		name = "spanloom.map.item.duration"
	} else {
		labels = append(labels, "error.type", failure(e))
	}
	l.measure(e.Duration, stepSeconds, name, labels...)
}

func (l *ledger) waited(cc *callbacks.CallbackContext) {
	l.measure(cc.Queued(), runSeconds, "spanloom.node.queue.duration", "spanloom.pipeline.name", cc.Pipeline().Name())
}

func (l *ledger) cached(cc *callbacks.CallbackContext, saved time.Duration, reason, tier string, size int) {
	l.io(size, "read")
	l.ended(cc, callbacks.End{Result: callbacks.ResultSuccess}, "hit")
	if reason != "resume" {
		l.looked(cc, "hit", tier)
	}
	l.count(int64(saved), "spanloom.cache.saved.duration", place(cc)...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at("spanloom.cache.saved.duration", place(cc)...).seconds = true
}

func (l *ledger) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	if ev.Workers != nil { // 0 when all has ended
		for _, name := range []string{"usage", "limit", "queue.size"} {
			l.count(0, "spanloom.worker."+name, "spanloom.pool.name", cc.Runner())
		}
	}
	l.count(1, "spanloom.pipeline.run.active", pipeline(cc)...)
}

func (l *ledger) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	l.count(-1, "spanloom.pipeline.run.active", pipeline(cc)...)
	l.measure(ev.Duration, runSeconds, "spanloom.pipeline.run.duration",
		append(pipeline(cc), "spanloom.result", ev.Result.String(), "error.type", failure(ev.End))...)
}

func (l *ledger) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	l.count(1, "spanloom.node.active", place(cc)...)
	l.waited(cc)
	l.started(cc, ev.Cache)
}

func (l *ledger) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	l.count(-1, "spanloom.node.active", place(cc)...)
	l.ended(cc, ev.End, looked(ev.Cache))
	l.stored(ev.Cache)
}

func (l *ledger) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	l.waited(cc)
	l.cached(cc, ev.Saved, ev.Reason, ev.Tier, ev.Size)
}

func (l *ledger) OnMapStart(cc *callbacks.CallbackContext, _ callbacks.MapStart) {
	l.count(1, "spanloom.node.active", place(cc)...)
	l.waited(cc)
}

func (l *ledger) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	l.count(-1, "spanloom.node.active", place(cc)...)
	l.ended(cc, ev.End, "")
}

func (l *ledger) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	l.count(1, "spanloom.map.item.active", place(cc)...)
	l.started(cc, ev.Cache)
}

func (l *ledger) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	l.count(-1, "spanloom.map.item.active", place(cc)...)
	l.ended(cc, ev.End, looked(ev.Cache))
	l.stored(ev.Cache)
}

func (l *ledger) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	l.cached(cc, ev.Saved, ev.Reason, ev.Tier, ev.Size)
}

func (l *ledger) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	l.count(1, "spanloom.node.retries", append(place(cc), "error.type", callbacks.ErrorType(ev.Err))...)
}

func (l *ledger) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	l.count(1, "spanloom.errors", "spanloom.component", cc.Kind().String(), "error.type", callbacks.ErrorType(ev.Err))
}

func (l *ledger) OnCrashed(cc *callbacks.CallbackContext, _ callbacks.Crashed) {
	if cc.Kind() == callbacks.KindPipeline && cc.Depth() == 0 {
		l.count(1, "spanloom.errors", "spanloom.component", "pipeline", "error.type", "crashed")
	}
}

func (l *ledger) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.OnMetric(cc, ev)
	l.at(ev.Name, place(cc)...).latest = ev.Value
}

// same says what differs between the callback and the ledger, to the last digit,
// and that nothing is active.
func same(got, want map[string]point) string {
	diff := cmp.Diff(want, got, cmp.AllowUnexported(point{}))
	for key, p := range got {
		if name, _, _ := strings.Cut(key, " "); strings.HasSuffix(name, ".active") && p.value != 0 {
			diff += fmt.Sprintf("%s is %v after all has ended\n", key, p.value)
		}
	}
	return diff
}

// TestExactOnRandomHooks calls the hooks of random runs, eight at once, while
// others collect.
func TestExactOnRandomHooks(t *testing.T) {
	t.Parallel()
	m := open(t)
	want := &ledger{m: m}
	collect(t, func() { _, _ = m.Produce(context.Background()) })
	var all sync.WaitGroup
	for worker := range uint64(8) {
		all.Go(func() {
			for i := range uint64(40) {
				hooktest.Random(callbacks.Multi(m, want), worker*1000+i)
			}
		})
	}
	all.Wait()
	if diff := same(points(t, m), want.points()); diff != "" {
		t.Errorf("(-heard +counted):\n%s", diff)
	}
}

// TestExactInOneShard lets many goroutines use the same cells at once.
func TestExactInOneShard(t *testing.T) {
	t.Parallel()
	const workers = 8
	each := 200_000
	if raced {
		each = 20_000
	}
	m := open(t)
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	cc := &callbacks.CallbackContext{}
	root.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
	var all sync.WaitGroup
	together := make(chan struct{})
	for range workers {
		all.Go(func() {
			<-together
			for i := range each {
				m.OnNodeStart(cc, callbacks.NodeStart{})
				m.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: time.Duration(i), Result: callbacks.ResultSuccess}})
			}
		})
	}
	close(together)
	all.Wait()
	got := points(t, m)
	p := got["spanloom.node.duration spanloom.node.name=n,spanloom.pipeline.name=p,spanloom.result=success"]
	if want := time.Duration(workers * each * (each - 1) / 2).Seconds(); p.count != uint64(workers*each) || p.value != want {
		t.Errorf("%v in %d nodes, want %v in %d", p.value, p.count, want, workers*each)
	}
	if n := got["spanloom.node.active spanloom.node.name=n,spanloom.pipeline.name=p"].value; n != 0 {
		t.Errorf("%v nodes are active", n)
	}
}

// TestExactOnEveryOutcome runs all pipelines that every runner must run, eight at
// once: with failures, panics, timeouts, cancellations, gates, retries and caches.
// Half of them are not sampled.
func TestExactOnEveryOutcome(t *testing.T) {
	t.Parallel()
	m := open(t)
	want := &ledger{m: m}
	collect(t, func() { _, _ = m.Produce(context.Background()) })
	both := callbacks.Multi(m, want)
	target := func(ctx context.Context, c *enginetest.Case, cfg engine.Config) ([]byte, error) {
		cfg.Callbacks = append(cfg.Callbacks, both)
		return c.Run(ctx, cfg)
	}
	var all sync.WaitGroup
	for worker := range 8 {
		target := target
		if worker%2 == 0 {
			target = func(ctx context.Context, c *enginetest.Case, cfg engine.Config) ([]byte, error) {
				cfg.Callbacks = append(cfg.Callbacks, both, unsampled{})
				return c.Run(ctx, cfg)
			}
		}
		all.Go(func() {
			for _, c := range enginetest.Cases() {
				// What a runner must do is enginetest's to judge; some cases are about
				// time, and this many at once take more of it.
				_ = c.Check(t.Context(), target)
			}
		})
	}
	all.Wait()
	if diff := same(points(t, m), want.points()); diff != "" {
		t.Errorf("(-heard +counted):\n%s", diff)
	}
	for _, result := range []string{"success", "failure", "error", "timeout", "cancellation", "skip"} {
		if !strings.Contains(strings.Join(lines(t, m), "\n"), "spanloom.result="+result) {
			t.Errorf("nothing ended with %s", result)
		}
	}
}

// TestExactOnRandomPipelines runs random pipelines of nodes, maps, nested
// pipelines, retries and caches.
func TestExactOnRandomPipelines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		p := drawPipeline(t, "p", 2)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		m := open(t)
		want := &ledger{m: m}
		cfg := engine.Config{
			Callbacks: []callbacks.PipelineCallback{m, want}, Cache: &shelf{},
			Concurrency: rapid.SampledFrom([]int{1, 2, 64}).Draw(t, "concurrency"),
		}
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				_, _ = p.Run(context.Background(), int(seed%10)+i, cfg)
			})
		}
		all.Wait()
		if diff := same(points(t, m), want.points()); diff != "" {
			t.Fatalf("(-heard +counted):\n%s", diff)
		}
	})
}

// unsampled gives runs an identity that is not sampled.
type unsampled struct{ callbacks.Base }

func (unsampled) Hooks() callbacks.Hook { return 0 }

func (unsampled) RunIdentity(context.Context) (callbacks.Identity, bool) {
	id := callbacks.NewIdentity()
	id.Flags = 0
	return id, true
}

// collect calls f every millisecond until the test ends.
func collect(t *testing.T, f func()) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				f()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}
