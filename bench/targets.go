package bench

import (
	"cmp"
	"math"
	"slices"
)

// Target is a promise about the speed of Spanloom and what a measurement says
// of it.
type Target struct {
	Row     string  `json:"row"` // E1 to E9, T1 to T6
	What    string  `json:"what"`
	Figure  float64 `json:"figure"`
	Bound   float64 `json:"bound"`
	Unit    string  `json:"unit"`     // x for ratios, ns, allocs, or %
	AtLeast bool    `json:"at_least"` // the figure must not be below the bound; else not above
	Holds   bool    `json:"holds"`
}

// Targets computes the targets of which all rows were measured.
func Targets(list []Result) []Target {
	t := targets{rows: map[[2]string]Result{}}
	for _, r := range list {
		t.rows[[2]string{r.Workload, r.Engine}] = r
	}
	t.scheduling()
	t.listening()
	t.building()
	t.telemetry()
	t.peers(list)
	slices.SortStableFunc(t.list, func(a, b Target) int { return cmp.Compare(a.Row, b.Row) })
	return t.list
}

type targets struct {
	rows map[[2]string]Result
	list []Target
}

const times = "x"

// p50 is NaN for a row that was not measured, and so is all that is computed
// from it.
func (t *targets) p50(workload, engine string) float64 {
	if r, ok := t.rows[[2]string{workload, engine}]; ok {
		return r.P50
	}
	return math.NaN()
}

func (t *targets) allocs(workload, engine string) float64 {
	if r, ok := t.rows[[2]string{workload, engine}]; ok {
		return r.Allocs
	}
	return math.NaN()
}

func (t *targets) atMost(row, what string, figure, bound float64, unit string) {
	if !math.IsNaN(figure) {
		t.list = append(t.list, Target{Row: row, What: what, Figure: figure, Bound: bound, Unit: unit, Holds: figure <= bound})
	}
}

func (t *targets) atLeast(row, what string, figure, bound float64) {
	if !math.IsNaN(figure) {
		t.list = append(t.list, Target{
			Row: row, What: what, Figure: figure, Bound: bound, Unit: times, AtLeast: true, Holds: figure >= bound,
		})
	}
}

// ratio is Spanloom's cost over another engine's.
func (t *targets) ratio(workload, engine string) float64 {
	return t.p50(workload, Spanloom) / t.p50(workload, engine)
}

func (t *targets) scheduling() {
	t.atMost("E1", "W1 over limit", t.ratio(chainName, Limit), 6, times)
	t.atMost("E1", "W1, allocations a node", t.allocs(chainName, Spanloom), 1, " allocs")
	t.atMost("E3", "W2 over goroutine", t.ratio(fanName, goroutineName), 1.3, times)
	t.atMost("E4", "W3 over limit", t.ratio(mapName, Limit), 3, times)
	t.atMost("E5", "W4 over limit, per leaf", t.ratio(nestedName, Limit), 4, times)
	t.atMost("E5", "W4pipe, per nested pipeline", t.p50(emptyName, Spanloom), 500, " ns")
	t.atMost("E6", "W5 over limit", t.ratio(layersName, Limit), 4, times)
	t.atMost("E7", "W1 over W1n10", t.p50(chainName, Spanloom)/t.p50(shortChainName, Spanloom), 1.3, times)
}

func (t *targets) listening() {
	quiet := t.p50(chainName, Spanloom)
	t.atMost("E2a", "W1, a callback without hooks adds", t.p50(chainName, deafName)-quiet, 3, " ns")
	t.atMost("E2b", "W1, a no-op listener without times adds", t.p50(chainName, untimedName)-quiet, 15, " ns")
	// A run's few allocations for the listener itself are none per node.
	t.atMost("E2b", "W1, it allocates more by, a node",
		t.allocs(chainName, untimedName)-t.allocs(chainName, Spanloom), 0.01, " allocs")
	t.atMost("E2c", "W1, a no-op listener with times and ids adds", t.p50(chainName, timedName)-quiet, 80, " ns")
	t.atMost("E4", "W3 with item events, per item", t.p50(mapName, itemsName), 120, " ns")
}

// telemetry compares with what OpenTelemetry's SDK and slog cost where a node's
// author calls them.
func (t *targets) telemetry() {
	adds := func(workload, engine string) float64 { return t.p50(workload, engine) - t.p50(workload, Spanloom) }
	span := t.p50(threadName, otelSpanName)
	all := span + t.p50(threadName, otelMetricsName) + t.p50(threadName, slogName)
	t.atMost("T1", "W1thread, spans add, over an SDK span", adds(threadName, spansName)/span, 0.1, times)
	t.atMost("T2", "W1thread, spans, metrics and logs add, over SDK span, instruments and slog",
		adds(threadName, allOnName)/all, 0.1, times)
	t.atMost("T3", "W1processes, spans add, over an SDK span marshalled",
		adds(processesName, spansName)/t.p50(processesName, otelSpanName), 0.5, times)
	t.atMost("T4", "W1, a run that is not sampled adds", t.p50(chainName, unsampledName)-t.p50(chainName, Spanloom), 15, " ns")
	for _, name := range []string{stagesName, mixedName} {
		t.atMost("T6", name+", spans, metrics and logs add", 100*t.p50(name, addsName)/t.p50(name, Spanloom), 1, " %")
	}
	// All that both processes do, as if nodes of 1 ms waited for it.
	t.atMost("T6", "W1processes, the same add to nodes of 1 ms that leave no processor idle, at most",
		100*adds(processesName, allOnName)/float64(Full().Delay), 1, " %")
}

func (t *targets) building() {
	t.atMost("E8", "W1build over limit", t.ratio(chainBuildName, Limit), 5, times)
	t.atMost("E8", "W5build over limit", t.ratio(layersBuildName, Limit), 5, times)
	// Memory that no cache holds makes a node of a large graph dearer for the
	// limit too, which is linear; what is not linear grows far more than it does.
	t.atMost("E8", "W1build from 1,000 to 100,000 nodes, growth over limit's",
		t.ratio(longBuildName, Limit)/t.ratio(chainBuildName, Limit), 2, times)
}

// peers compares with each workflow library on the workload where it comes
// closest.
func (t *targets) peers(list []Result) {
	for _, peer := range []string{einoName, taskflowName, workflowName, asyncName, dagName} {
		least, where := math.NaN(), ""
		for _, r := range list {
			if r.Engine != peer {
				continue
			}
			if ahead := r.P50 / t.p50(r.Workload, Spanloom); !(ahead >= least) && !math.IsNaN(ahead) {
				least, where = ahead, r.Workload
			}
		}
		t.atLeast("E9", peer+" over Spanloom, at least, in "+where, least, 1)
	}
	t.atLeast("E9", taskflowName+" over Spanloom, W1", 1/t.ratio(chainName, taskflowName), 10)
	t.atLeast("E9", einoName+" over Spanloom, W1n10", 1/t.ratio(shortChainName, einoName), 50)
}
