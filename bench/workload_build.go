package bench

import "context"

// The workloads of building. A pipeline is compiled by its first run, so what
// is measured of Spanloom is Define and a first run, minus a later run of the
// same graph: nodes, wiring, plan, and the state of a run, which later runs
// use again. Names are made before. Of the limit scheduler it is the graph and
// the plan only, without the state of a run.
const (
	chainBuildName  = "W1build"
	layersBuildName = "W5build"
	longBuildName   = "build100k" // W1build with 100,000 nodes
)

func buildWorkloads(s Sizes) []Workload {
	var list []Workload
	for _, b := range []struct {
		name            string
		nodes           int
		result          func(in int) int
		spanloom, limit func() step
	}{
		{chainBuildName, s.Chain, chainResult(s.Chain), buildSpanloomChain(s.Chain), buildLimitChain(s.Chain)},
		{
			layersBuildName, s.Layers * s.Width, func(in int) int { return layersResult(s, in) },
			buildSpanloomLayers(s), func() step { return limitLayers(s.Layers, s.Width).step() },
		},
		{longBuildName, s.LongChain, chainResult(s.LongChain), buildSpanloomChain(s.LongChain), buildLimitChain(s.LongChain)},
	} {
		list = append(list,
			Workload{
				Name: b.name, Engine: Spanloom, Nodes: b.nodes,
				Make: job(func() (step, error) {
					return func(ctx context.Context, v int) (int, error) { return b.spanloom()(ctx, v) }, nil
				}, b.result),
				Minus: job(func() (step, error) { return b.spanloom(), nil }, b.result),
			},
			Workload{Name: b.name, Engine: Limit, Nodes: b.nodes, Make: buildOnly(b.limit, b.result)})
	}
	return list
}

func chainResult(n int) func(in int) int { return func(in int) int { return in + n } }

// buildOnly runs what was built only to check it.
func buildOnly(build func() step, want func(in int) int) func() (Job, error) {
	return func() (Job, error) {
		var built step
		checked := false
		return Job{
			Run: func() error {
				built = build()
				return nil
			},
			Check: func() error {
				do := built
				built = nil
				if checked { // once is enough: it is the same every time
					return nil
				}
				checked = true
				got, err := do(context.Background(), 1)
				if err != nil {
					return err
				}
				return wrong(got, want(1))
			},
		}, nil
	}
}

func buildSpanloomChain(n int) func() step {
	names := names(n)
	return func() step { return spanloomStep(spanloomChain(names)) }
}

func buildSpanloomLayers(s Sizes) func() step {
	names := names(s.Layers * s.Width)
	return func() step { return spanloomTotal(spanloomLayers(s.Layers, s.Width, names)) }
}

func buildLimitChain(n int) func() step { return func() step { return limitChain(n).step() } }
