package bench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	row := func(workload, engine string, p50 float64) Result {
		return Result{Workload: workload, Engine: engine, P50: p50}
	}
	list := Targets([]Result{
		row("W1", Limit, 10),
		{Workload: "W1", Engine: Spanloom, P50: 70, Allocs: 0.5},
		row("W1", deafName, 72),
		{Workload: "W1", Engine: untimedName, P50: 90, Allocs: 0.5},
		row("W1", timedName, 120),
		row("W1", unsampledName, 71),
		row("W1", taskflowName, 630),
		row("W1thread", Spanloom, 30),
		row("W1thread", spansName, 130),
		row("W1thread", allOnName, 530),
		row("W1thread", otelSpanName, 1250),
		row("W1thread", otelMetricsName, 450),
		row("W1thread", slogName, 800),
		row("W1processes", Spanloom, 100),
		row("W1processes", spansName, 3100),
		row("W1processes", allOnName, 4100),
		row("W1processes", otelSpanName, 4000),
		row("W6", Spanloom, 200_000),
		row("W6", addsName, 3_000),
		row("W6mixed", Spanloom, 1_000_000),
		row("W6mixed", addsName, 5_000),
		row("W1n10", Spanloom, 100),
		row("W1n10", einoName, 6000),
		row("W2", Spanloom, 50),
		row("W2", einoName, 25),
		row("W4pipe", Spanloom, 400),
		row("W1build", Limit, 100),
		row("W1build", Spanloom, 400),
		row("build100k", Limit, 200),
		row("build100k", Spanloom, 2000),
	})
	var text strings.Builder
	if err := WriteTargets(&text, list); err != nil {
		t.Fatal(err)
	}
	want := `
E1   W1 over limit                                          7.00x         <= 6x          DOES NOT HOLD
E1   W1, allocations a node                                 0.50 allocs   <= 1 allocs    holds
E2a  W1, a callback without hooks adds                      2.00 ns       <= 3 ns        holds
E2b  W1, a no-op listener without times adds                20.00 ns      <= 15 ns       DOES NOT HOLD
E2b  W1, it allocates more by, a node                       0.00 allocs   <= 0.01 allocs holds
E2c  W1, a no-op listener with times and ids adds           50.00 ns      <= 80 ns       holds
E5   W4pipe, per nested pipeline                            400.00 ns     <= 500 ns      holds
E7   W1 over W1n10                                          0.70x         <= 1.3x        holds
E8   W1build over limit                                     4.00x         <= 5x          holds
E8   W1build from 1,000 to 100,000 nodes, growth over limit's                    2.50x         <= 2x          DOES NOT HOLD
E9   eino over Spanloom, at least, in W2                    0.50x         >= 1x          DOES NOT HOLD
E9   go-taskflow over Spanloom, at least, in W1             9.00x         >= 1x          holds
E9   go-taskflow over Spanloom, W1                          9.00x         >= 10x         DOES NOT HOLD
E9   eino over Spanloom, W1n10                              60.00x        >= 50x         holds
T1   W1thread, spans add, over an SDK span                  0.08x         <= 0.1x        holds
T2   W1thread, spans, metrics and logs add, over SDK span, instruments and slog  0.20x  <= 0.1x DOES NOT HOLD
T3   W1processes, spans add, over an SDK span marshalled    0.75x         <= 0.5x        DOES NOT HOLD
T4   W1, a run that is not sampled adds                     1.00 ns       <= 15 ns       holds
T6   W6, spans, metrics and logs add                        1.50 %        <= 1 %         DOES NOT HOLD
T6   W6mixed, spans, metrics and logs add                   0.50 %        <= 1 %         holds
T6   W1processes, the same add to nodes of 1 ms that leave no processor idle, at most  0.40 % <= 1 % holds
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(text.String())); diff != "" {
		t.Errorf("targets (-want +got):\n%s\n%s", diff, text.String())
	}
}
