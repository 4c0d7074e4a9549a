package engine

import (
	"context"
	"errors"
	"fmt"
)

// Decision is what a gate decides.
type Decision int

// The decisions of a gate. The zero Decision is none, so that a forgotten one is
// an error.
const (
	// Pass lets the value through.
	Pass Decision = iota + 1
	// StopPipeline ends the innermost pipeline or map item around the gate: what
	// runs in it is cancelled, nothing more starts, and it gives no value. Steps
	// outside that need the value are skipped; the others run on. A map has the
	// zero value for such an item.
	StopPipeline
	// StopRun ends the whole run in the same way.
	StopRun
)

// ErrStopped is what [Pipeline.Run] returns, inside an [*Error], when a gate
// stopped what the result needs. Nothing has failed.
var ErrStopped = errors.New("stopped by a gate")

// stopError is what a gate's function returns to the engine.
type stopError struct{ run bool }

func (*stopError) Error() string { return ErrStopped.Error() }
func (*stopError) Unwrap() error { return ErrStopped }

var (
	errStopPipeline = &stopError{}
	errStopRun      = &stopError{run: true}
)

// Gate makes a step that lets its input through, or stops the pipeline or the
// run without failing it. What is stopped has the result skip, and Run returns
// [ErrStopped] if its result depends on it.
func Gate[T any](name string, check func(ctx context.Context, in T) (Decision, error), opts ...Option) Step[T, T] {
	s := newStep(name, "gate", check)
	pass := func(ctx context.Context, v T) (T, error) {
		var none T
		d, err := check(ctx, v)
		switch {
		case err != nil:
			return none, err
		case d == Pass:
			return v, nil
		case d == StopPipeline:
			return none, errStopPipeline
		case d == StopRun:
			return none, errStopRun
		default:
			return none, fmt.Errorf("the gate decided %d; return engine.Pass, engine.StopPipeline or engine.StopRun", int(d))
		}
	}
	s.fn = pass
	s.gated = true
	s.ins, s.out = []columnKind{columnOf[T]{}}, columnOf[T]{}
	s.call = func(ctx context.Context, f *frame, o *op) error {
		v, err := pass(ctx, load[T](f, o.in[0]))
		if err == nil {
			store(f, o.out, v)
		}
		return err
	}
	return node1[T, T]{s.configure(opts)}
}
