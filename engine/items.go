package engine

import (
	"context"
)

// bind makes the items of a map when it begins. It knows the types.
type bind func(f *frame, o *op) items

// items is what a map runs over.
type items struct {
	size   int
	call   func(ctx context.Context, i int) error                    // of a node: runs item i
	apart  func(ctx context.Context, i int) (keep func(), err error) // the same, but keep stores the result
	give   func(sub *frame, i int)                                   // of a body: item i goes in,
	take   func(sub *frame, i int)                                   // and its result comes out
	in     func(i, arg int) any
	out    func(i int) any
	decode func(i int, data []byte) error
	label  func(i int) string // nil: items have none
}

func bindNodes[I, O any](fn func(context.Context, I) (O, error)) bind {
	return func(f *frame, o *op) items {
		in := load[[]I](f, o.in[0])
		it, out := itemsOf[I, O](f, o, in)
		it.call = func(ctx context.Context, i int) error {
			v, err := fn(ctx, in[i])
			if err == nil {
				out[i] = v
			}
			return err
		}
		it.apart = func(ctx context.Context, i int) (func(), error) {
			v, err := fn(ctx, in[i])
			return func() { out[i] = v }, err
		}
		return it
	}
}

func bindNodes2[I, B, O any](fn func(context.Context, I, B) (O, error)) bind {
	return func(f *frame, o *op) items {
		with := load[B](f, o.in[1])
		return bindNodes(func(ctx context.Context, v I) (O, error) { return fn(ctx, v, with) })(f, o)
	}
}

func bindBodies[I, O any](f *frame, o *op) items {
	in := load[[]I](f, o.in[0])
	it, out := itemsOf[I, O](f, o, in)
	it.give = func(sub *frame, i int) { store(sub, sub.plan.ins[0], in[i]) }
	it.take = func(sub *frame, i int) { out[i] = load[O](sub, sub.plan.out) }
	return it
}

func bindBodies2[I, B, O any](f *frame, o *op) items {
	with := load[B](f, o.in[1])
	it := bindBodies[I, O](f, o)
	give := it.give
	it.give = func(sub *frame, i int) {
		give(sub, i)
		store(sub, sub.plan.ins[1], with)
	}
	return it
}

func itemsOf[I, O any](f *frame, o *op, in []I) (items, []O) {
	out := make([]O, len(in))
	store(f, o.out, out)
	return items{
		size: len(in),
		in: func(i, arg int) any {
			if arg > 0 {
				return f.columns[o.in[arg].column].at(o.in[arg].row)
			}
			return in[i]
		},
		out: func(i int) any { return out[i] },
		decode: func(i int, data []byte) error {
			var v O
			if err := decodeValue(data, &v); err != nil {
				return err
			}
			out[i] = v
			return nil
		},
	}, out
}
