package backend

import (
	"context"

	"github.com/spanloom/spanloom/callbacks"
)

// FromCallback returns cb as an instance. It may be the very value that another
// program gives to its runs, such as a [callbacks.Funcs]; only what it has of these
// methods is called:
//
//	Flush(ctx context.Context) error
//	Close(ctx context.Context) error, or Close() error
//
// One without Flush keeps nothing back: what its hooks were told is at its
// destination when they return. Whatever else an [Instance] may be, such as a
// [TracesReceiver], cb may be too.
func FromCallback(cb callbacks.PipelineCallback) Instance {
	if in, ok := cb.(Instance); ok {
		return in
	}
	return called{cb}
}

// called is an instance made of a callback.
type called struct{ callbacks.PipelineCallback }

func (c called) inner() any { return c.PipelineCallback }

// Hooks returns those that the callback wants.
func (c called) Hooks() callbacks.Hook { return callbacks.Interest(c.PipelineCallback) }

// Flush implements Instance.
func (c called) Flush(ctx context.Context) error {
	if f, ok := c.inner().(interface {
		Flush(ctx context.Context) error
	}); ok {
		return f.Flush(ctx)
	}
	return nil
}

// Close implements Instance.
func (c called) Close(ctx context.Context) error {
	switch f := c.inner().(type) {
	case interface {
		Close(ctx context.Context) error
	}:
		return f.Close(ctx)
	case interface{ Close() error }:
		return f.Close()
	default:
		return nil
	}
}

// as returns what of the type T an instance is, or the callback that it is made of.
func as[T any](in Instance) (T, bool) {
	if c, ok := in.(interface{ inner() any }); ok {
		t, ok := c.inner().(T)
		return t, ok
	}
	t, ok := in.(T)
	return t, ok
}
