package bench

import (
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
	P50      float64 `json:"p50_ns"` // of a run, divided by its nodes
	P99      float64 `json:"p99_ns"`
	Allocs   float64 `json:"allocs"`
	Bytes    float64 `json:"bytes"`
	VsLimit  float64 `json:"vs_limit,omitempty"` // P50 over the limit's
}

// Options say how long to measure.
type Options struct {
	Time   time.Duration // for each workload on each engine, in all. Defaults to 1 s.
	Rounds int           // parts of that time, between which engines take turns. Defaults to 10.
}

// Measure runs workloads that have a name in common in turns, so that what
// disturbs the machine for a while disturbs all engines alike. Results come in
// the order of the workloads.
func Measure(workloads []Workload, o Options) ([]Result, error) {
	if o.Time == 0 {
		o.Time = time.Second
	}
	if o.Rounds == 0 {
		o.Rounds = 10
	}
	var names []string
	groups := map[string][]int{}
	for i, w := range workloads {
		if groups[w.Name] == nil {
			names = append(names, w.Name)
		}
		groups[w.Name] = append(groups[w.Name], i)
	}
	samples := make([]sample, len(workloads))
	for _, name := range names {
		group := groups[name]
		for round := range o.Rounds {
			for turn := range group {
				i := group[(round+turn)%len(group)]
				if err := samples[i].add(workloads[i], o.Time/time.Duration(o.Rounds)); err != nil {
					return nil, fmt.Errorf("%s on %s: %w", name, workloads[i].Engine, err)
				}
			}
		}
	}
	return results(workloads, samples), nil
}

// sample is what was seen of one workload.
type sample struct {
	runs          []time.Duration
	allocs, bytes uint64
}

// add runs a workload for a while, once at least.
func (s *sample) add(w Workload, d time.Duration) error {
	runtime.GC() // what the engine before left behind
	if err := w.Run(); err != nil {
		return err
	}
	s.runs = slices.Grow(s.runs, int(d/time.Microsecond)) // so that growing is not counted
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for begin := time.Now(); ; {
		start := time.Now()
		err := w.Run()
		end := time.Now()
		if err != nil {
			return err
		}
		s.runs = append(s.runs, end.Sub(start))
		if w.Settle != nil {
			if err := w.Settle(); err != nil {
				return err
			}
		}
		if end.Sub(begin) >= d {
			break
		}
	}
	runtime.ReadMemStats(&after)
	s.allocs += after.Mallocs - before.Mallocs
	s.bytes += after.TotalAlloc - before.TotalAlloc
	return nil
}

func results(workloads []Workload, samples []sample) []Result {
	list := make([]Result, len(workloads))
	limits := map[string]float64{}
	for i, w := range workloads {
		nodes, s := float64(w.Nodes), samples[i]
		slices.Sort(s.runs)
		list[i] = Result{
			Workload: w.Name,
			Engine:   w.Engine,
			P50:      percentile(s.runs, 0.50) / nodes,
			P99:      percentile(s.runs, 0.99) / nodes,
			Allocs:   float64(s.allocs) / float64(len(s.runs)) / nodes,
			Bytes:    float64(s.bytes) / float64(len(s.runs)) / nodes,
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
