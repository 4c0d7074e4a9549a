package bench

import (
	"context"

	gotaskflow "github.com/noneback/go-taskflow"
)

const taskflowName = "go-taskflow"

// goTaskflow is github.com/noneback/go-taskflow: a flow that is made once and
// run on one executor. Tasks are functions
// without input, result or error, so that they leave their values in variables.
// A map is a task for each item, and a nested pipeline a subflow.
func goTaskflow() contender {
	return contender{
		name: taskflowName,
		fit: func(s Sizes) Sizes {
			s.Items = min(s.Items, 10_000)
			return s
		},
		chain:  taskflowChain,
		fan:    taskflowFan,
		items:  taskflowItems,
		nested: taskflowNested,
		layers: taskflowLayers,
	}
}

// taskflowConcurrency must be more than there are subflows, and should be more
// than there are processors. Far more than that makes it slower.
const taskflowConcurrency = 64

// taskflow is a flow, its executor, and the input of its run.
type taskflow struct {
	*gotaskflow.TaskFlow

	executor gotaskflow.Executor
	ctx      context.Context
	in       int
}

func newTaskflow() *taskflow {
	return &taskflow{
		TaskFlow: gotaskflow.NewTaskFlow("bench"),
		executor: gotaskflow.NewExecutor(taskflowConcurrency),
	}
}

func (f *taskflow) run(ctx context.Context) {
	f.ctx = ctx
	f.executor.Run(f.TaskFlow).Wait()
}

// step runs the flow and then reads the result.
func (f *taskflow) step(result func() (int, error)) step {
	return func(ctx context.Context, v int) (int, error) {
		f.in = v
		f.run(ctx)
		return result()
	}
}

func taskflowChain(n int) (step, error) {
	f := newTaskflow()
	var last *gotaskflow.Task
	values, errs := make([]int, n+1), make([]error, n)
	for i, name := range names(n) {
		task := f.NewTask(name, func() {
			if i == 0 {
				values[0] = f.in
			}
			values[i+1], errs[i] = increment(f.ctx, values[i])
		})
		if last != nil {
			last.Precede(task)
		}
		last = task
	}
	return f.step(func() (int, error) { return values[n], firstError(errs) }), nil
}

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func taskflowFan(n int, leaf step) (step, error) {
	f := newTaskflow()
	var root, total int
	var rootErr, joinErr error
	fan, errs := make([]int, n), make([]error, n)
	first := f.NewTask("root", func() { root, rootErr = increment(f.ctx, f.in) })
	join := f.NewTask("join", func() { total, joinErr = sum(f.ctx, fan) })
	for i, name := range names(n) {
		task := f.NewTask(name, func() { fan[i], errs[i] = leaf(f.ctx, root) })
		first.Precede(task)
		task.Precede(join)
	}
	return f.step(func() (int, error) {
		return total, firstError([]error{rootErr, firstError(errs), joinErr})
	}), nil
}

func taskflowItems(n int) (mapper, error) {
	f := newTaskflow()
	var items, out []int
	errs := make([]error, n)
	for i, name := range names(n) {
		f.NewTask(name, func() { out[i], errs[i] = triple(f.ctx, items[i]) })
	}
	return func(ctx context.Context, list []int) ([]int, error) {
		items, out = list, make([]int, n)
		f.run(ctx)
		return out, firstError(errs)
	}, nil
}

func taskflowNested(pipelines, leaves int) (step, error) {
	f := newTaskflow()
	var v int
	var err error
	var build func(g taskflowGraph, pipelines int)
	build = func(g taskflowGraph, pipelines int) {
		var last *gotaskflow.Task
		then := func(task *gotaskflow.Task) {
			if last != nil {
				last.Precede(task)
			}
			last = task
		}
		before, after := around(leaves, pipelines == 1)
		for i, name := range names(before + after) {
			if i == before && pipelines > 1 {
				then(g.NewSubflow("nested", func(sf *gotaskflow.Subflow) { build(sf, pipelines-1) }))
			}
			then(g.NewTask(name, func() {
				if err == nil {
					v, err = increment(f.ctx, v)
				}
			}))
		}
	}
	build(f, pipelines)
	return func(ctx context.Context, in int) (int, error) {
		v, err = in, nil
		f.run(ctx)
		return v, err
	}, nil
}

// taskflowGraph is a flow or a subflow.
type taskflowGraph interface {
	NewTask(name string, f func()) *gotaskflow.Task
	NewSubflow(name string, f func(*gotaskflow.Subflow)) *gotaskflow.Task
}

func taskflowLayers(layers, width int) (step, error) {
	f := newTaskflow()
	values, errs := make([]int, layers*width), make([]error, layers*width)
	var before []*gotaskflow.Task
	for l := range layers {
		layer := make([]*gotaskflow.Task, width)
		for i, name := range names(width) {
			n := l*width + i
			layer[i] = f.NewTask(name, func() {
				if l == 0 {
					values[n], errs[n] = pass(f.ctx, f.in)
				} else {
					values[n], errs[n] = layerSum(f.ctx, values[(l-1)*width:l*width])
				}
			})
			layer[i].Succeed(before...)
		}
		before = layer
	}
	return f.step(func() (int, error) {
		if err := firstError(errs); err != nil {
			return 0, err
		}
		return sum(f.ctx, values[len(values)-width:])
	}), nil
}
