package engine

import "context"

// bind makes the items of a map when it begins. It knows the types.
type bind func(f *frame, o *op) items

// items is what a map runs over.
type items struct {
	size int
	call func(ctx context.Context, i int) error // of a node: runs item i
	give func(sub *frame, i int)                // of a pipeline: item i goes in,
	take func(sub *frame, i int)                // and its result comes out
	at   func(i int, out bool) any
}

func bindNodes[I, O any](fn func(context.Context, I) (O, error)) bind {
	return func(f *frame, o *op) items {
		in := load[[]I](f, o.in[0])
		out := make([]O, len(in))
		store(f, o.out, out)
		it := itemsOf(in, out)
		it.call = func(ctx context.Context, i int) error {
			v, err := fn(ctx, in[i])
			if err == nil {
				out[i] = v
			}
			return err
		}
		return it
	}
}

func bindPipelines[I, O any](f *frame, o *op) items {
	in := load[[]I](f, o.in[0])
	out := make([]O, len(in))
	store(f, o.out, out)
	it := itemsOf(in, out)
	it.give = func(sub *frame, i int) { store(sub, sub.plan.in, in[i]) }
	it.take = func(sub *frame, i int) { out[i] = load[O](sub, sub.plan.out) }
	return it
}

func itemsOf[I, O any](in []I, out []O) items {
	return items{
		size: len(in),
		at: func(i int, o bool) any {
			if o {
				return out[i]
			}
			return in[i]
		},
	}
}
