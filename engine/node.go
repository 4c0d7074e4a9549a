package engine

import "context"

// Node makes a step of a function with one input. The function runs once per
// run of the pipeline, or once per item of a map, possibly on several
// goroutines at once; it should return soon after its context is done.
//
// A nil function or a bad name is reported by the pipeline that uses the step.
func Node[I, O any](name string, fn func(ctx context.Context, in I) (O, error)) Step[I, O] {
	return node1[I, O]{newStep(name, fn, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[I](f, o.in[0]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

// Node0 makes a step of a function without input.
func Node0[O any](name string, fn func(ctx context.Context) (O, error)) Step0[O] {
	return node0[O]{newStep(name, fn, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx)
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

// Node2 makes a step of a function with two inputs.
func Node2[A, B, O any](name string, fn func(ctx context.Context, a A, b B) (O, error)) Step2[A, B, O] {
	return node2[A, B, O]{newStep(name, fn, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

// Node3 makes a step of a function with three inputs.
func Node3[A, B, C, O any](name string, fn func(ctx context.Context, a A, b B, c C) (O, error)) Step3[A, B, C, O] {
	return node3[A, B, C, O]{newStep(name, fn, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]), load[C](f, o.in[2]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

// Node4 makes a step of a function with four inputs.
func Node4[A, B, C, D, O any](name string, fn func(ctx context.Context, a A, b B, c C, d D) (O, error)) Step4[A, B, C, D, O] {
	return node4[A, B, C, D, O]{newStep(name, fn, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]), load[C](f, o.in[2]), load[D](f, o.in[3]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

type (
	node0[O any]             struct{ *step }
	node1[I, O any]          struct{ *step }
	node2[A, B, O any]       struct{ *step }
	node3[A, B, C, O any]    struct{ *step }
	node4[A, B, C, D, O any] struct{ *step }
)

func (node0[O]) seal0() (out O)                       { return out }
func (node1[I, O]) seal(I) (out O)                    { return out }
func (node2[A, B, O]) seal2(A, B) (out O)             { return out }
func (node3[A, B, C, O]) seal3(A, B, C) (out O)       { return out }
func (node4[A, B, C, D, O]) seal4(A, B, C, D) (out O) { return out }
