package bench

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Sizes say how large the workloads are.
type Sizes struct {
	Chain, ShortChain, LongChain int           // nodes of W1, W1n10 and build100k
	Fan                          int           // nodes side by side in W2
	Items                        int           // of W3
	Pipelines, Leaves            int           // of W4, leaves in each
	Layers, Width                int           // of W5
	Stages, Lanes                int           // of W6
	Delay                        time.Duration // of a node of W6
}

// Full returns the sizes that the names of the workloads promise.
func Full() Sizes {
	return Sizes{
		Chain: 1000, ShortChain: 10, LongChain: 100_000,
		Fan: 1000, Items: 100_000,
		Pipelines: 50, Leaves: 4,
		Layers: 32, Width: 32,
		Stages: 25, Lanes: 8, Delay: time.Millisecond,
	}
}

// Workload is one workload on one engine.
type Workload struct {
	Name   string // such as W1
	Engine string
	Nodes  int // by how many to divide the cost of a run

	// Make makes the workload ready to run.
	Make func() (Job, error)
	// Minus makes a job whose cost is taken off. Defaults to none.
	Minus func() (Job, error)
	// Share is how many times as long as others it is measured. Defaults to 1.
	Share int
}

// Job is a workload ready to run, any number of times but never twice at once.
type Job struct {
	// Run runs it once.
	Run func() error
	// Check returns an error if the last run's result is wrong. It also waits
	// until nothing of the run goes on any more. It is not measured.
	Check func() error
	// Cost returns what the last run cost. Defaults to the time that it took.
	Cost func() time.Duration
}

// The names of workloads that others than the contenders take part in.
const (
	chainName      = "W1"
	shortChainName = "W1n10"
	fanName        = "W2"
	sleepName      = "W2sleep"
	mapName        = "W3"
	nestedName     = "W4"
	emptyName      = "W4pipe"
	layersName     = "W5"
	threadName     = "W1thread"
	processesName  = "W1processes"
	stagesName     = "W6"
	mixedName      = "W6mixed"
)

// step is a node, and whatever else makes one int of another.
type step = func(context.Context, int) (int, error)

// mapper makes a slice of another, item by item.
type mapper = func(context.Context, []int) ([]int, error)

// contender is an engine and how it does each workload. A field that is nil
// means that it cannot, or that the workload is not for it.
type contender struct {
	name string
	// fit makes sizes smaller for an engine that would take minutes.
	fit func(Sizes) Sizes

	// chain passes its input through n nodes that increment.
	chain func(n int) (step, error)
	// fan increments its input, gives it to n leaves and sums their results.
	fan func(n int, leaf step) (step, error)
	// items gives what runs triple on each of n items.
	items func(n int) (mapper, error)
	// sleepy is fan for leaves that wait, in W2sleep.
	sleepy func(n int, leaf step) (step, error)
	// nested has pipelines one in another, each with its leaves before and after
	// the one inside it, all of which increment; the innermost has one at least.
	nested func(pipelines, leaves int) (step, error)
	// layers has a first layer that passes the input on and later ones whose
	// nodes give layerSum of the whole layer before. It gives the sum of the last.
	layers func(layers, width int) (step, error)
}

// All returns every workload of every engine, sorted.
func All(s Sizes) []Workload {
	list := buildWorkloads(s)
	for _, c := range []contender{
		ours(), oursAtOnce(s.Fan), limitScheduler(),
		direct(), loop(), goroutines(), errgroups(), concs(),
		eino(), goTaskflow(), goWorkflow(), asyncs(), dags(),
	} {
		list = append(list, c.workloads(s)...)
	}
	list = append(list, listening(s)...)
	return Sorted(list)
}

// Sorted sorts workloads in the order in which they are shown, those of a name
// together.
func Sorted(list []Workload) []Workload {
	slices.SortStableFunc(list, func(a, b Workload) int { return rank(a.Name) - rank(b.Name) })
	return list
}

// rank gives the order in which workloads are measured and shown.
func rank(name string) int {
	return slices.Index([]string{
		chainName, shortChainName, fanName, sleepName, mapName,
		nestedName, emptyName, layersName,
		threadName, processesName, stagesName, mixedName,
		chainBuildName, layersBuildName, longBuildName,
	}, name)
}

func (c contender) workloads(s Sizes) []Workload {
	if c.fit != nil {
		s = c.fit(s)
	}
	var list []Workload
	add := func(name string, nodes int, makeJob func() (Job, error)) {
		list = append(list, Workload{Name: name, Engine: c.name, Nodes: nodes, Make: makeJob})
	}
	if c.chain != nil {
		add(chainName, s.Chain, chainJob(s.Chain, c.chain))
		add(shortChainName, s.ShortChain, chainJob(s.ShortChain, c.chain))
	}
	if c.fan != nil {
		add(fanName, s.Fan+2, fanJob(s.Fan, increment, c.fan))
	}
	if c.sleepy != nil {
		add(sleepName, s.Fan+2, fanJob(s.Fan, dawdle, c.sleepy))
	}
	if c.items != nil {
		add(mapName, s.Items, mapJob(s.Items, c.items))
	}
	if c.nested != nil {
		leaves := s.Pipelines * s.Leaves
		add(nestedName, leaves, job(func() (step, error) { return c.nested(s.Pipelines, s.Leaves) },
			func(in int) int { return in + leaves }))
		if c.name == Spanloom || c.name == Limit {
			add(emptyName, s.Pipelines, job(func() (step, error) { return c.nested(s.Pipelines, 0) },
				func(in int) int { return in + 1 }))
		}
	}
	if c.layers != nil {
		add(layersName, s.Layers*s.Width, job(func() (step, error) { return c.layers(s.Layers, s.Width) },
			func(in int) int { return layersResult(s, in) }))
	}
	return list
}

func chainJob(n int, build func(n int) (step, error)) func() (Job, error) {
	return job(func() (step, error) { return build(n) }, func(in int) int { return in + n })
}

func fanJob(n int, leaf step, build func(n int, leaf step) (step, error)) func() (Job, error) {
	return job(func() (step, error) { return build(n, leaf) }, func(in int) int { return n * (in + 2) })
}

// inputs is how many inputs take turns, so that a result left over from the
// run before is a wrong one.
const inputs = 7

// job makes a job of what build returns. Its result for an input is checked
// against want.
func job(build func() (step, error), want func(in int) int) func() (Job, error) {
	return func() (Job, error) {
		do, err := build()
		in, got := 0, 0
		return Job{
			Run: func() (err error) {
				in = in%inputs + 1
				got, err = do(context.Background(), in)
				return err
			},
			Check: func() error { return wrong(got, want(in)) },
		}, err
	}
}

// numbers are the items of W3, made once for all engines.
var numbers = sync.OnceValue(func() []int {
	list := make([]int, Full().Items)
	for i := range list {
		list[i] = i
	}
	return list
})

func mapJob(n int, build func(n int) (mapper, error)) func() (Job, error) {
	return func() (Job, error) {
		do, err := build(n)
		items, got := numbers()[:n], []int(nil)
		return Job{
			Run: func() (err error) {
				got, err = do(context.Background(), items)
				return err
			},
			Check: func() error {
				if err := wrong(len(got), n); err != nil {
					return err
				}
				for i, v := range got {
					if want, _ := triple(context.Background(), i); v != want {
						return wrong(v, want)
					}
				}
				got = nil
				return nil
			},
		}, err
	}
}
