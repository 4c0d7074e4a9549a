package bench

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// Result is what one node of a workload costs on one engine.
type Result struct {
	Workload string  `json:"workload"`
	Engine   string  `json:"engine"`
	Nodes    int     `json:"nodes"`  // of a run, by which its cost is divided
	P50      float64 `json:"p50_ns"` // median of the rounds' medians
	P99      float64 `json:"p99_ns"` // of the runs of all rounds
	Allocs   float64 `json:"allocs"`
	Bytes    float64 `json:"bytes"`
	VsLimit  float64 `json:"vs_limit"` // P50 over the limit's; 0 if it did not run the workload
}

// Options say how long to measure.
type Options struct {
	Time   time.Duration // for each workload on each engine, in all. Defaults to 1 s.
	Rounds int           // parts of that time, between which engines take turns. Defaults to 11.
}

// Measure runs workloads that have a name in common in turns, so that what
// disturbs the machine for a while disturbs all engines alike. Each turn makes
// its workload anew, so that nothing of an engine is in memory while another is
// measured. Results come in the order of the workloads.
func Measure(workloads []Workload, o Options) ([]Result, error) {
	if o.Time == 0 {
		o.Time = time.Second
	}
	if o.Rounds == 0 {
		o.Rounds = 11
	}
	var names []string
	groups := map[string][]int{}
	for i, w := range workloads {
		if groups[w.Name] == nil {
			names = append(names, w.Name)
		}
		groups[w.Name] = append(groups[w.Name], i)
	}
	samples := make([]samples, len(workloads))
	for _, name := range names {
		group := groups[name]
		for round := range o.Rounds {
			for next := range group {
				i := group[(round+next)%len(group)]
				turn := o.Time * time.Duration(max(workloads[i].Share, 1)) / time.Duration(o.Rounds)
				if err := samples[i].add(workloads[i], turn); err != nil {
					return nil, fmt.Errorf("%s on %s: %w", name, workloads[i].Engine, err)
				}
			}
		}
	}
	return results(workloads, samples), nil
}

// samples are what was seen of a workload, and of what is taken off it.
type samples struct{ run, minus sample }

func (s *samples) add(w Workload, d time.Duration) error {
	if w.Minus == nil {
		return s.run.add(w.Make, d)
	}
	return errors.Join(s.run.add(w.Make, d/2), s.minus.add(w.Minus, d/2))
}

// sample is what was seen of one job.
type sample struct {
	runs          []time.Duration
	medians       []time.Duration // of rounds
	allocs, bytes uint64
}

// maxRuns is how many runs of a round are kept; the round ends with them.
const maxRuns = 1 << 15

// add makes a job and runs it for a while, once at least.
func (s *sample) add(makeJob func() (Job, error), d time.Duration) error {
	j, err := makeJob()
	if err != nil {
		return err
	}
	if err := errors.Join(j.Run(), j.Check()); err != nil { // a first run is slower
		return err
	}
	runs := make([]time.Duration, 0, maxRuns)
	runtime.GC() // what the engine before left behind
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for begin := time.Now(); ; {
		start := time.Now()
		err := j.Run()
		end := time.Now()
		if err != nil {
			return err
		}
		if j.Cost != nil {
			runs = append(runs, j.Cost())
		} else {
			runs = append(runs, end.Sub(start))
		}
		if err := j.Check(); err != nil {
			return err
		}
		if end.Sub(begin) >= d || len(runs) == maxRuns {
			break
		}
	}
	runtime.ReadMemStats(&after)
	s.allocs += after.Mallocs - before.Mallocs
	s.bytes += after.TotalAlloc - before.TotalAlloc
	slices.Sort(runs)
	s.medians = append(s.medians, time.Duration(percentile(runs, 0.50)))
	s.runs = append(s.runs, runs...)
	return nil
}

// costs are those of a run.
type costs struct{ p50, p99, allocs, bytes float64 }

func (s *sample) costs() costs {
	if len(s.runs) == 0 {
		return costs{}
	}
	slices.Sort(s.runs)
	slices.Sort(s.medians)
	runs := float64(len(s.runs))
	return costs{
		p50:    percentile(s.medians, 0.50),
		p99:    percentile(s.runs, 0.99),
		allocs: float64(s.allocs) / runs,
		bytes:  float64(s.bytes) / runs,
	}
}

func results(workloads []Workload, samples []samples) []Result {
	list := make([]Result, len(workloads))
	limits := map[string]float64{}
	for i, w := range workloads {
		nodes, run, minus := float64(w.Nodes), samples[i].run.costs(), samples[i].minus.costs()
		list[i] = Result{
			Workload: w.Name,
			Engine:   w.Engine,
			Nodes:    w.Nodes,
			P50:      (run.p50 - minus.p50) / nodes,
			P99:      (run.p99 - minus.p50) / nodes,
			Allocs:   (run.allocs - minus.allocs) / nodes,
			Bytes:    (run.bytes - minus.bytes) / nodes,
		}
		if w.Engine == Limit {
			limits[w.Name] = list[i].P50
		}
	}
	for i := range list {
		if l := limits[list[i].Workload]; l > 0 {
			list[i].VsLimit = list[i].P50 / l
		}
	}
	return list
}

// percentile returns the smallest duration, in nanoseconds, that the given
// part of them do not exceed. They are sorted, and there is at least one.
func percentile(sorted []time.Duration, part float64) float64 {
	rank := int(math.Ceil(part * float64(len(sorted))))
	return float64(sorted[max(rank, 1)-1])
}
