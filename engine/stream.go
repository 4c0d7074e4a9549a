package engine

import (
	"context"
	"iter"
	"slices"

	"github.com/spanloom/spanloom/callbacks"
)

// StreamEvent is one thing that [Pipeline.Stream] tells.
type StreamEvent[O any] struct {
	// Hook says what happened; 0 for the last event.
	Hook callbacks.Hook
	// Context says where. It may be kept. Nil for the last event.
	Context *callbacks.CallbackContext
	// Event is the struct that the hook was given, such as callbacks.NodeEnd.
	// Its Values are empty: values of a run are valid during a hook only.
	Event any
	// Chunk is the value that a node gave to [Emit], as it is, for HookEmit.
	Chunk any
	// Lost is how many events were left out between the one before and this one,
	// because the reader was slow.
	Lost int
	// Done marks the last event, which is never left out.
	Done bool
	// Result and Err are what [Pipeline.Run] would have returned; of the last
	// event.
	Result O
	Err    error
}

// Stream runs the pipeline and gives every fact of the run, and every chunk that
// a node gives to [Emit], in the order of the hooks, while it goes on; the last
// event has the result. Zero or one Config may be given, as for [Pipeline.Run];
// its callbacks hear everything too. The events are those of all steps, also
// where [WithCallbacks] replaces the run's callbacks.
//
// Each time that the sequence is ranged over is a run of its own. The run goes on
// beside the reader, up to 1,024 events ahead. When the reader is further behind,
// the run does not wait with what hooks tell: events are left out, and counted in
// Lost of the next one. A chunk waits for room for up to 1 s, and is left out
// then; further chunks do not wait until the reader has read again. So a reader
// that has stopped reading holds up the run for 1 s in all, and one that reads on
// for less than that between two events gets every chunk.
//
// To end the loop early, by break, return or a panic, cancels the run; the loop
// is left when the run has ended, as Run would: when the nodes that run have
// returned. A mistake in the definition or the Config is the only event, the last.
func (p *Pipeline[I, O]) Stream(ctx context.Context, in I, cfg ...Config) iter.Seq[StreamEvent[O]] {
	return func(yield func(StreamEvent[O]) bool) {
		var c Config
		err := c.take(cfg)
		if err == nil {
			err = p.Err()
		}
		if err == nil && ctx == nil {
			err = errNoContext
		}
		if err != nil {
			yield(StreamEvent[O]{Done: true, Err: err})
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		s := newStreaming()
		c.Callbacks = append(slices.Clone(c.Callbacks), &streamer{s})
		last := StreamEvent[O]{Done: true}
		crash := background(s.end, func() {
			last.Err = errGoexit // unless Run returns
			last.Result, last.Err = p.Run(ctx, in, c)
		})
		defer func() {
			s.leave()
			cancel()
			<-s.ended
			crash.throw()
		}()
		for {
			ev, more := s.next()
			if !more {
				break
			}
			if !yield(StreamEvent[O]{Hook: ev.hook, Context: ev.context, Event: ev.event, Chunk: ev.chunk, Lost: ev.lost}) {
				return
			}
		}
		if crash.value != nil {
			return // to the panic
		}
		if last.Err == errGoexit && s.failure != nil { //nolint:errorlint // the one from above
			last.Err = s.failure
		}
		last.Lost = s.lost
		yield(last)
	}
}

// crash is a panic on another goroutine.
type crash struct{ value any }

// background runs f on a goroutine of its own, then ends, whether f returns or
// not. A panic in f is kept for the goroutine that waits for it.
func background(end, f func()) *crash {
	c := &crash{}
	go func() {
		defer end()
		returned := false
		defer func() {
			if !returned {
				if v := recover(); v != nil { // otherwise runtime.Goexit was called
					c.value = newPanicError(v)
				}
			}
		}()
		f()
		returned = true
	}()
	return c
}

// throw goes on with the panic, if there was one.
func (c *crash) throw() {
	if c.value != nil {
		panic(c.value) //nolint:forbidigo // it is one already; Run would let it pass, too
	}
}
