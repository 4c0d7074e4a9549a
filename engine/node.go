package engine

import "context"

// Node makes a step of a function with one input. The function runs once per
// run of the pipeline, or once per item of a map, possibly on several
// goroutines at once; it should return soon after its context is done.
//
// A nil function or a bad name is reported by the pipeline that uses the step.
func Node[I, O any](name string, fn func(ctx context.Context, in I) (O, error), opts ...Option) Step[I, O] {
	return node1[I, O]{newNode[O](name, fn, opts, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[I](f, o.in[0]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	}, columnOf[I]{})}
}

// Node0 makes a step of a function without input.
func Node0[O any](name string, fn func(ctx context.Context) (O, error), opts ...Option) Step0[O] {
	return node0[O]{newNode[O](name, fn, opts, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx)
		if err == nil {
			store(f, o.out, v)
		}
		return err
	})}
}

// Node2 makes a step of a function with two inputs.
func Node2[A, B, O any](name string, fn func(ctx context.Context, a A, b B) (O, error), opts ...Option) Step2[A, B, O] {
	return node2[A, B, O]{newNode[O](name, fn, opts, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	}, columnOf[A]{}, columnOf[B]{})}
}

// Node3 makes a step of a function with three inputs.
func Node3[A, B, C, O any](name string, fn func(ctx context.Context, a A, b B, c C) (O, error), opts ...Option) Step3[A, B, C, O] {
	return node3[A, B, C, O]{newNode[O](name, fn, opts, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]), load[C](f, o.in[2]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	}, columnOf[A]{}, columnOf[B]{}, columnOf[C]{})}
}

// Node4 makes a step of a function with four inputs. For more, take a struct.
func Node4[A, B, C, D, O any](name string, fn func(ctx context.Context, a A, b B, c C, d D) (O, error), opts ...Option) Step4[A, B, C, D, O] {
	return node4[A, B, C, D, O]{newNode[O](name, fn, opts, func(ctx context.Context, f *frame, o *op) error {
		v, err := fn(ctx, load[A](f, o.in[0]), load[B](f, o.in[1]), load[C](f, o.in[2]), load[D](f, o.in[3]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	}, columnOf[A]{}, columnOf[B]{}, columnOf[C]{}, columnOf[D]{})}
}

// newNode makes the step of a node: c calls fn on the values in a frame.
func newNode[O any](name string, fn any, opts []Option, c call, ins ...columnKind) *step {
	s := newStep(name, "func", fn)
	s.call, s.ins, s.out = c, ins, columnOf[O]{}
	return s.configure(opts)
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
