// Package bench runs the same workloads on several engines in one process and
// compares what a node costs. Absolute figures say something about one
// machine only; the ratios to the limit scheduler carry over.
//
//	W1         a chain of 1,000 nodes that pass an int on
//	W1n10      the same with 10 nodes: what a run costs besides its nodes
//	W2         one root, 1,000 nodes side by side, one join
//	W2sleep    the same, and each of the 1,000 sleeps for 1 ms
//	W3         a map over 100,000 items
//	W4         50 nested pipelines with 4 leaves each; a cost is per leaf
//	W4pipe     the same without leaves, but for one; a cost is per pipeline
//	W5         32 layers of 32 nodes, each reading the whole layer before it
//	W1build    making the graph of W1 and all that later runs use again
//	W5build    the same for W5
//	build100k  W1build for a chain of 100,000 nodes
//
// And with telemetry, of which the backends and the collector are processes of
// their own:
//
//	W1thread     W1; a cost is processor time of the goroutine that runs the nodes
//	W1processes  W1; a cost is processor time of the process and of its backend,
//	             until every span is encoded as OTLP, sent and counted
//	W6           25 stages of 8 nodes, each reading the stage before it, that
//	             wait for 1 ms
//	W6mixed      the same with 9 stages of nodes that wait for 1 to 8 ms
//
// W6 and W6mixed also tell what telemetry adds: the median of what a run with it takes
// longer than the run without it that is made right before or after.
//
// Beside them, the engine "direct" has an SDK span, measurements with SDK
// instruments or a slog record around each node; see [Telemetry]. The first two are
// measured on Linux only, 20 runs at a time, so that caches are as in a program
// that goes on.
//
// An engine that would take minutes runs fewer nodes, and its row says how
// many. W4pipe says what a nested pipeline costs: it holds nothing else but one
// leaf and what a run costs by itself, spread over the pipelines. The baselines
// direct, loop, goroutine, errgroup and conc are the ways to write a workload by
// hand; the libraries are used as their documentation recommends.
//
// The engines take turns at each workload, every run has another input, and its
// whole result is checked when the clock has stopped. A cost is the median of
// the turns' medians, and so is a target's figure; see [Targets]. The clock
// itself is in it, some 50 ns a run.
//
// Another engine takes part with a contender and a line in [All].
package bench
