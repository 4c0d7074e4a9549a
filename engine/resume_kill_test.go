//go:build unix && !aix && !solaris

package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/cache/disk"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

func init() { child = resumable }

// note is a file of lines, each written at once, which outlives the process.
type note struct{ file *os.File }

func openNote(dir string) (note, error) {
	f, err := os.OpenFile(filepath.Join(dir, "note"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return note{f}, err
}

func (n note) say(what, where string) {
	if _, err := n.file.WriteString(what + " " + where + "\n"); err != nil {
		panic(err)
	}
}

// noted is a node that says when it starts and ends, and takes a while.
func noted[I, O any](n note, name string, fn func(ctx context.Context, in I) (O, error), opts ...engine.Option) engine.Step[I, O] {
	return engine.Node(name, func(ctx context.Context, in I) (O, error) {
		path := callbacks.FromContext(ctx).Path()
		n.say("start", path)
		time.Sleep(time.Millisecond + time.Duration(rand.IntN(int(2*time.Millisecond))))
		out, err := fn(ctx, in)
		if err == nil {
			n.say("end", path)
		}
		return out, err
	}, opts...)
}

const (
	dailyInput = 7
	dailySum   = 2*(465+30*dailyInput) + 100 + 10 + 1 + 30 + 3
)

// workday is a pipeline with a step of every kind.
func workday(n note) *engine.Pipeline[int, int] {
	plus := func(m int) func(context.Context, int) (int, error) {
		return func(_ context.Context, v int) (int, error) { return v + m, nil }
	}
	list := noted(n, "list", func(_ context.Context, in int) ([]int, error) {
		all := make([]int, 30)
		for i := range all {
			all[i] = in + i
		}
		return all, nil
	})
	sum := func(name string) engine.Step[[]int, int] {
		return noted(n, name, func(_ context.Context, all []int) (s int, _ error) {
			for _, v := range all {
				s += v
			}
			return s, nil
		})
	}
	twice := engine.Define("twice", func(g *graph, v num) num {
		return engine.Add(g, noted(n, "second", func(_ context.Context, v int) (int, error) { return 2 * v, nil }),
			engine.Add(g, noted(n, "first", plus(0)), v))
	})
	clean := engine.Define("clean", func(g *graph, v num) num {
		deeper := engine.Define("deeper", func(g *graph, v num) num { return engine.Add(g, noted(n, "wash", plus(100)), v) })
		return engine.Add(g, noted(n, "dry", plus(-dailyInput)), engine.Add(g, deeper, v))
	})
	// What a branch has chosen once stays chosen, whatever it would say now.
	big, small := noted(n, "big", plus(10-dailyInput)), engine.Define("small", func(g *graph, v num) num {
		return engine.Add(g, noted(n, "tiny", plus(10-dailyInput)), v)
	})
	either := engine.Branch("either", func(context.Context, int) (engine.Step[int, int], error) {
		if rand.IntN(2) == 0 {
			return big, nil
		}
		return small, nil
	}, big, small)
	shrink := engine.Loop("shrink", noted(n, "half", func(_ context.Context, v int) (int, error) { return v - 1, nil }),
		func(_ context.Context, v int) (bool, error) { return v == 1, nil }, 20)
	flaky := noted(n, "flaky", func(ctx context.Context, v int) (int, error) {
		if callbacks.FromContext(ctx).Attempt() < 3 {
			return 0, errBroken
		}
		return v + 30 - dailyInput, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3, Delay: time.Millisecond}))
	model := noted(n, "model", plus(3-dailyInput), engine.WithCache("1"))

	return engine.Define("daily", func(g *graph, in num) num {
		all := engine.Add(g, list, in)
		squares := engine.Map(g, noted(n, "item", plus(1)), all)
		doubled := engine.Map(g, twice, squares)
		return engine.Add(g, sum("total"), engine.Collect(g,
			engine.Add(g, sum("sum"), doubled), engine.Add(g, clean, in), engine.Add(g, either, in),
			engine.Add(g, shrink, in), engine.Add(g, flaky, in), engine.Add(g, model, in)))
	})
}

// outcome is what a child that was not killed says.
type outcome struct {
	Result  int
	Error   string
	Broken  string // rules
	Resumed []string
	Starts  int
}

// resumable is the process that is killed.
func resumable(dir string) {
	out, err := resumeDaily(dir)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func resumeDaily(dir string) (*outcome, error) {
	n, err := openNote(dir)
	if err != nil {
		return nil, err
	}
	defer n.file.Close()
	fmt.Println("ready")
	kept, err := runs.Open(filepath.Join(dir, "runs"), runs.Options{})
	if err != nil {
		return nil, err
	}
	defer kept.Close()
	stored, err := disk.Open(filepath.Join(dir, "cache"), disk.Config{})
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	span := func(cc *callbacks.CallbackContext) {
		n.say("span", fmt.Sprintf("%s %s %s", cc.SpanID(), cc.ParentSpanID(), cc.Path()))
	}
	told := func(cc *callbacks.CallbackContext, end callbacks.End) {
		span(cc)
		if end.Result == callbacks.ResultSuccess && cc.Node().Type == "func" {
			n.say("told", cc.Path())
		}
	}
	rec, out := &callbacktest.Recorder{}, &outcome{}
	out.Result, err = workday(n).Run(context.Background(), dailyInput, engine.Config{
		RunID: "daily", Runs: kept, Cache: stored, Concurrency: 2, Record: map[string]string{"kept": "with the run"},
		Callbacks: []callbacks.PipelineCallback{rec, callbacks.Funcs{
			PipelineStart: func(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
				if cc.Parent() == nil {
					n.say("trace", cc.TraceID().String())
				}
				if ev.Resumed != nil {
					out.Starts = ev.Resumed.Starts
				}
			},
			NodeEnd:     func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) { told(cc, ev.End) },
			MapItemEnd:  func(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) { told(cc, ev.End) },
			NodeCached:  func(cc *callbacks.CallbackContext, _ callbacks.NodeCached) { span(cc) },
			MapEnd:      func(cc *callbacks.CallbackContext, _ callbacks.MapEnd) { span(cc) },
			PipelineEnd: func(cc *callbacks.CallbackContext, _ callbacks.PipelineEnd) { span(cc) },
			Crashed:     func(cc *callbacks.CallbackContext, _ callbacks.Crashed) { span(cc) },
		}},
	})
	if err != nil {
		out.Error = err.Error()
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		out.Broken = err.Error()
	}
	for _, ev := range rec.Events() {
		switch e := ev.Event.(type) {
		case callbacks.NodeCached:
			if e.Reason == "resume" {
				out.Resumed = append(out.Resumed, ev.Context.Path())
			}
		case callbacks.MapItemCached:
			if e.Reason == "resume" {
				out.Resumed = append(out.Resumed, ev.Context.Path())
			}
		}
	}
	return out, nil
}

// trial is one run that is killed until it ends by itself.
type trial struct {
	dir      string
	finished map[string]bool // what no start may run again
	chosen   string          // by the branch
	lines    int             // of the note, seen so far
	ended    map[string]int
	traces   map[string]bool
	spans    map[string]string // those that were told of, and what is around them
	starts   int
}

// start starts the run and kills it after a delay; a negative one is for ever. It
// returns what the run said if it was not killed.
func (tr *trial) start(delay time.Duration) (*outcome, time.Duration, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVariable+"="+tr.dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		return nil, 0, err
	}
	tr.starts++
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	began := time.Now()
	var timer *time.Timer
	if delay >= 0 {
		timer = time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	said := ""
	if lines.Scan() {
		said = lines.Text()
		if timer != nil {
			timer.Stop() // the race detector stays for a second
		}
	}
	took := time.Since(began)
	err = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); said == "" && ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return nil, took, nil
	}
	if err != nil && said == "" {
		return nil, took, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	out := &outcome{}
	return out, took, json.Unmarshal([]byte(said), out)
}

// records returns the records of the run; none if it has not begun.
func (tr *trial) records() (list []runs.Record, s runs.Summary, err error) {
	d, err := runs.Open(filepath.Join(tr.dir, "runs"), runs.Options{})
	if err != nil {
		return nil, s, err
	}
	defer d.Close()
	for r, err := range d.Read("daily") {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, s, nil
		}
		if err != nil {
			return nil, s, err
		}
		list = append(list, r)
	}
	s, err = d.Stat("daily")
	return list, s, err
}

// look reads what a start has left.
func (tr *trial) look() error {
	data, err := os.ReadFile(filepath.Join(tr.dir, "note"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	records, _, err := tr.records()
	if err != nil {
		return err
	}
	var bad []error
	now, chosen := map[string]bool{}, ""
	for _, r := range records {
		switch {
		case r.Kind == "branch":
			chosen = string(r.Outputs[0])
		case (r.Status == "success" || r.Status == "cached") && len(r.Outputs) == 1:
			now[r.Path] = true
		}
	}
	all := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for _, line := range all[min(tr.lines, len(all)):] {
		what, where, _ := strings.Cut(line, " ")
		switch what {
		case "start":
			if tr.finished[where] {
				bad = append(bad, fmt.Errorf("start %d: %s starts again", tr.starts, where))
			}
			if strings.HasPrefix(where, "daily/either/") && tr.chosen != "" && !strings.HasPrefix(where, "daily/either/"+strings.Trim(tr.chosen, `"`)) {
				bad = append(bad, fmt.Errorf("start %d: %s starts, though %s was chosen", tr.starts, where, tr.chosen))
			}
		case "end":
			tr.ended[where]++
		case "told":
			if !now[where] {
				bad = append(bad, fmt.Errorf("start %d: %s has ended and is not on record", tr.starts, where))
			}
		case "trace":
			tr.traces[where] = true
		case "span":
			id, parent, _ := strings.Cut(where, " ")
			tr.spans[id] = parent
		}
	}
	if len(data) > 0 {
		tr.lines = len(all)
	}
	tr.finished, tr.chosen = now, chosen
	return errors.Join(bad...)
}

// run kills a run at random points of its length until it ends.
func (tr *trial) run(points *rand.Rand, length time.Duration, kills *atomic.Int32) error {
	for {
		if tr.starts > 1000 {
			return errors.New("it never ends")
		}
		was := tr.finished
		delay := time.Duration(points.Int64N(int64(length)))
		out, _, err := tr.start(delay)
		if err == nil {
			err = tr.look()
		}
		if err != nil {
			return fmt.Errorf("killed after %s: %w", delay, err)
		}
		if out != nil {
			return tr.check(out, was)
		}
		kills.Add(1)
	}
}

// check looks at a run that has ended. Was is what had finished before its last
// start.
func (tr *trial) check(out *outcome, was map[string]bool) error {
	var bad []error
	if out.Result != dailySum || out.Error != "" || out.Broken != "" {
		bad = append(bad, fmt.Errorf("%+v, want %d", out, dailySum))
	}
	resumed := map[string]bool{}
	for _, path := range out.Resumed {
		resumed[path] = true
	}
	if diff := cmp.Diff(was, resumed); diff != "" && len(was)+len(resumed) > 0 {
		bad = append(bad, fmt.Errorf("resumed (+) and finished before (-): %s", diff))
	}
	for id, around := range tr.spans {
		parent, path, _ := strings.Cut(around, " ")
		if _, ok := tr.spans[parent]; !ok && path != "daily" {
			bad = append(bad, fmt.Errorf("the span %s of %s stands in %s, of which nobody was told", id, path, parent))
		}
	}
	if len(tr.traces) != 1 {
		bad = append(bad, fmt.Errorf("traces: %v", tr.traces))
	}
	want := []string{"daily/list", "daily/sum", "daily/total", "daily/clean/deeper/wash", "daily/clean/dry", "daily/flaky", "daily/model"}
	if tr.chosen == `"big"` {
		want = append(want, "daily/either/big")
	} else {
		want = append(want, "daily/either/small/tiny")
	}
	for i := range 30 {
		want = append(want, fmt.Sprintf("daily/item[%d]", i), fmt.Sprintf("daily/twice[%d]/first", i), fmt.Sprintf("daily/twice[%d]/second", i))
	}
	for i := range dailyInput - 1 {
		want = append(want, fmt.Sprintf("daily/shrink#%d/half", i+1))
	}
	for _, path := range want {
		if tr.ended[path] == 0 {
			bad = append(bad, fmt.Errorf("%s has never ended", path))
		}
	}
	return errors.Join(append(bad, tr.checkRecords(want, out.Starts))...)
}

// checkRecords looks at what the run store has.
func (tr *trial) checkRecords(want []string, starts int) error {
	records, s, err := tr.records()
	if err != nil {
		return err
	}
	var bad []error
	succeeded, failed := map[string]int{}, 0
	for _, r := range records {
		complete := r.Attempt >= 1 && !r.Started.IsZero() && !r.Ended.Before(r.Started)
		switch {
		case r.Kind == "branch":
			complete = complete && len(r.Outputs) == 1
			succeeded["branch "+r.Path]++
		case r.Status == "failure":
			complete = complete && r.Path == "daily/flaky" && r.Attempt < 3 && r.Message == errBroken.Error() && r.ErrorType != "" && len(r.Inputs) == 1 && r.Outputs == nil
			failed++
		case r.Status == "success":
			complete = complete && len(r.Inputs) == 1 && len(r.Outputs) == 1 && r.Message == "" && (r.Attempt == 3) == (r.Path == "daily/flaky")
			succeeded[r.Path]++
		case r.Status == "cached":
			complete = complete && len(r.Outputs) == 1 && r.Path == "daily/model"
			succeeded[r.Path]++
		default:
			complete = false
		}
		if !complete {
			bad = append(bad, fmt.Errorf("a record is not complete: %+v", r))
		}
	}
	all := map[string]int{"branch daily/either": 1}
	for _, path := range want {
		all[path] = 1
	}
	if diff := cmp.Diff(all, succeeded); diff != "" || failed < 2 {
		bad = append(bad, fmt.Errorf("%d records of failure; of success (+) and expected (-): %s", failed, diff))
	}
	var kept struct {
		Pipeline json.RawMessage
		Record   map[string]string
	}
	err = json.Unmarshal(s.Config, &kept)
	if err != nil || kept.Record["kept"] != "with the run" || !bytes.Contains(kept.Pipeline, []byte(`"flaky"`)) || !bytes.Contains(kept.Pipeline, []byte("disk.Store")) {
		bad = append(bad, fmt.Errorf("configuration: %w, %s", err, s.Config))
	}
	// A start that was killed before it wrote that it starts does not count.
	if s.Starts > tr.starts || s.Starts != starts+1 || s.Result != "success" || s.Damaged > 0 || !tr.traces[s.TraceID] {
		bad = append(bad, fmt.Errorf("started %d times: %+v", tr.starts, s))
	}
	return errors.Join(bad...)
}

// TestARunThatIsKilledGoesOn kills runs at random points of their length.
func TestARunThatIsKilledGoesOn(t *testing.T) {
	points := int32(100)
	if testing.Short() || raced {
		points = 4
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	trials := func(i uint64) *trial {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Error(err)
		}
		return &trial{dir: dir, ended: map[string]int{}, traces: map[string]bool{}, spans: map[string]string{}}
	}
	whole := trials(0)
	out, length, err := whole.start(-1)
	if err == nil {
		err = errors.Join(whole.look(), whole.check(out, nil))
	}
	if err != nil {
		t.Fatal(err)
	}
	var kills, starts atomic.Int32
	var number atomic.Uint64
	var wg sync.WaitGroup
	for range 3 { // they mostly sleep
		wg.Go(func() {
			for kills.Load() < points && !t.Failed() {
				i := number.Add(1)
				tr := trials(i)
				if err := tr.run(rand.New(rand.NewPCG(seed, i)), length, &kills); err != nil {
					t.Errorf("run %d: %v", i, err)
				}
				starts.Add(int32(tr.starts))
			}
		})
	}
	wg.Wait()
	t.Logf("killed %d of %d starts of %d runs, each of %s", kills.Load(), starts.Load(), number.Load(), length)
}
