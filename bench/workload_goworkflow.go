package bench

import (
	"context"
	"fmt"

	flow "github.com/Azure/go-workflow"
)

const workflowName = "go-workflow"

// goWorkflow is github.com/Azure/go-workflow: function steps that take their
// inputs from the outputs of others, and workflows as steps of workflows. Its
// time grows with the square of the steps, so that its workloads are smaller.
// It has no W3: the steps of a workflow are there before it runs, and a step
// for each item would be W2 again.
func goWorkflow() contender {
	return contender{
		name: workflowName,
		fit: func(s Sizes) Sizes {
			s.Chain, s.Fan = min(s.Chain, 100), min(s.Fan, 100)
			s.Layers, s.Width = min(s.Layers, 8), min(s.Width, 8)
			return s
		},
		chain:  workflowChain,
		fan:    workflowFan,
		nested: workflowNested,
		layers: workflowLayers,
	}
}

// intStep is a step of one int, listStep one of many.
type (
	intStep  = flow.Function[int, int]
	listStep = flow.Function[[]int, int]
)

// workflowStep runs w with an input and gives what result reads afterwards.
func workflowStep(w *flow.Workflow, in *int, result func() int) step {
	return func(ctx context.Context, v int) (int, error) {
		*in = v
		if err := w.Do(ctx); err != nil {
			return 0, err
		}
		return result(), nil
	}
}

// workflowAdd adds a step that reads source after others have ended.
func workflowAdd(w *flow.Workflow, name string, do step, source *int, after ...flow.Steper) *intStep {
	s := flow.FuncIO(name, do)
	w.Add(flow.Step(s).DependsOn(after...).Input(func(_ context.Context, s *intStep) error {
		s.Input = *source
		return nil
	}))
	return s
}

// workflowJoin adds a step that reads the results of others.
func workflowJoin[I any](w *flow.Workflow, name string, do func(context.Context, []int) (int, error), from []*flow.Function[I, int]) *listStep {
	s := flow.FuncIO(name, do)
	after := make([]flow.Steper, len(from))
	for i, f := range from {
		after[i] = f
	}
	w.Add(flow.Step(s).DependsOn(after...).Input(func(_ context.Context, s *listStep) error {
		s.Input = make([]int, len(from))
		for i, f := range from {
			s.Input[i] = f.Output
		}
		return nil
	}))
	return s
}

func workflowChain(n int) (step, error) {
	var (
		w      flow.Workflow
		in     int
		source = &in
		after  []flow.Steper
	)
	for _, name := range names(n) {
		s := workflowAdd(&w, name, increment, source, after...)
		source, after = &s.Output, []flow.Steper{s}
	}
	return workflowStep(&w, &in, func() int { return *source }), nil
}

func workflowFan(n int, leaf step) (step, error) {
	var w flow.Workflow
	var in int
	root := workflowAdd(&w, "root", increment, &in)
	fan := make([]*intStep, n)
	for i, name := range names(n) {
		fan[i] = workflowAdd(&w, name, leaf, &root.Output, root)
	}
	join := workflowJoin(&w, "join", sum, fan)
	return workflowStep(&w, &in, func() int { return join.Output }), nil
}

func workflowNested(pipelines, leaves int) (step, error) {
	var in int
	w, out := workflowPipeline(pipelines, leaves, &in)
	return workflowStep(w, &in, func() int { return *out }), nil
}

// workflowPipeline makes a pipeline of W4 that reads source, and returns where
// its result will be.
func workflowPipeline(pipelines, leaves int, source *int) (*flow.Workflow, *int) {
	w := new(flow.Workflow)
	var last []flow.Steper
	before, after := around(leaves, pipelines == 1)
	for i, name := range names(before + after) {
		if i == before && pipelines > 1 {
			inner, out := workflowPipeline(pipelines-1, leaves, source)
			w.Add(flow.Step(inner).DependsOn(last...))
			source, last = out, []flow.Steper{inner}
		}
		s := workflowAdd(w, name, increment, source, last...)
		source, last = &s.Output, []flow.Steper{s}
	}
	return w, source
}

func workflowLayers(layers, width int) (step, error) {
	var w flow.Workflow
	var in int
	layer := make([]*intStep, width)
	for i, name := range names(width) {
		layer[i] = workflowAdd(&w, name, pass, &in)
	}
	var last []*listStep
	for l := range layers - 1 {
		next := make([]*listStep, width)
		for i := range next {
			name := fmt.Sprintf("n%d.%d", l+1, i)
			if l == 0 {
				next[i] = workflowJoin(&w, name, layerSum, layer)
			} else {
				next[i] = workflowJoin(&w, name, layerSum, last)
			}
		}
		last = next
	}
	return workflowStep(&w, &in, func() (total int) {
		for _, s := range last {
			total += s.Output
		}
		return total
	}), nil
}
