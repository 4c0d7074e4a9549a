package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestEndingIsAContext holds an ending against context.WithCancelCause: the same
// steps in the same order show the same.
func TestEndingIsAContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	rapid.Check(t, func(t *rapid.T) {
		around, endAround := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
		defer endAround(nil)
		want, cancel := context.WithCancelCause(around)
		defer cancel(nil)
		got := &ending{around: around}
		defer got.cancel(nil)

		var heard []<-chan struct{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			cause := errors.New(rapid.StringN(1, 3, 3).Draw(t, "cause"))
			switch rapid.SampledFrom([]string{"end", "end nil", "end around", "wait", "child", "look", "err"}).Draw(t, "step") {
			case "end":
				cancel(cause)
				got.cancel(cause)
			case "end nil":
				cancel(nil)
				got.cancel(nil)
			case "end around":
				endAround(cause)
			case "wait":
				heard = append(heard, got.Done())
			case "child":
				child, end := context.WithCancel(got)
				defer end()
				heard = append(heard, child.Done())
			case "look":
				if got.Value(key{}) != "value" || got.Value(t) != nil {
					t.Fatal("the values around it are not there")
				}
				if w, g := context.Cause(want), context.Cause(got); !errors.Is(g, w) || (g == nil) != (w == nil) {
					t.Fatalf("the cause is %v, want %v", g, w)
				}
			case "err":
				if w, g := want.Err(), got.Err(); !errors.Is(g, w) || (g == nil) != (w == nil) {
					t.Fatalf("the error is %v, want %v", g, w)
				}
			}
		}
		for _, done := range heard {
			if want.Err() != nil {
				<-done
			}
		}
	})
}

// TestEndingEndsOnce ends one from many sides while others wait for it.
func TestEndingEndsOnce(t *testing.T) {
	t.Parallel()
	for range 500 {
		around, endAround := context.WithCancelCause(t.Context())
		e := &ending{around: around}
		ours, theirs := errors.New("ours"), errors.New("theirs")
		var all sync.WaitGroup
		all.Go(func() { e.cancel(ours) })
		all.Go(func() { endAround(theirs) })
		all.Go(func() { <-e.Done() })
		all.Go(func() {
			for e.Err() == nil {
				runtime.Gosched()
			}
			if err := e.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("it has ended, and then: %v", err)
			}
		})
		all.Wait()
		first := context.Cause(e)
		if !errors.Is(first, ours) && !errors.Is(first, theirs) {
			t.Fatalf("the cause is %v", first)
		}
		e.cancel(errors.New("late"))
		if again := context.Cause(e); !errors.Is(again, first) {
			t.Fatalf("the cause was %v and became %v", first, again)
		}
	}
}

// hiddenEnd has ended, and cannot be waited for: it breaks the rules of contexts.
type hiddenEnd struct{ context.Context }

func (hiddenEnd) Done() <-chan struct{} { return nil }

func TestEndingInsideOneThatHidesItsEnd(t *testing.T) {
	t.Parallel()
	around, end := context.WithCancel(t.Context())
	end()
	e := &ending{around: hiddenEnd{around}}
	cause := errors.New("engine")
	e.cancel(cause)
	select {
	case <-e.Done():
	default:
		t.Error("it has not ended")
	}
	if !errors.Is(e.Err(), context.Canceled) || !errors.Is(context.Cause(e), cause) {
		t.Error(e.Err(), context.Cause(e))
	}
}
