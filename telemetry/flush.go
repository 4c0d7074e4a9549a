package telemetry

import (
	"context"
	"fmt"
	"time"
)

// Flush exports what was handed in so far, but the items that wait for the end of a
// map, and waits until that is done or ctx ends. An error says that spans since the last Flush are lost, and why. What
// could not be tried before ctx ended is kept, and exported later.
//
// After Shutdown there is nothing to export, and Flush returns nil.
func (c *Callback) Flush(ctx context.Context) error {
	r := request{ctx, make(chan error, 1)}
	select {
	case <-c.done:
		return nil
	case c.flush <- r:
	case <-ctx.Done():
		return fmt.Errorf("flush: an earlier export is not finished: %w", context.Cause(ctx))
	}
	return await(ctx, r.answer, "flush")
}

// Shutdown exports what was handed in so far, shuts the exporter down, and waits
// until that is done or ctx ends. Spans that come later are dropped and counted.
// Calls after the first do nothing more, and return nil once it is done.
func (c *Callback) Shutdown(ctx context.Context) error {
	for _, m := range c.held.close(nil) { // maps that have not ended
		c.outAll(m)
	}
	if !c.closed.Swap(true) && c.exporter != nil {
		c.stop <- request{ctx: ctx}
	}
	// An export that has no context of its own ends with the first that waits.
	defer context.AfterFunc(ctx, c.cancel)()
	select {
	case <-c.done:
	case <-ctx.Done():
		return await(ctx, c.result, "shut down")
	}
	c.cancel()
	select {
	case err := <-c.result:
		return wrap("shut down", err)
	default:
		return nil
	}
}

// await waits for an answer, and shortly beyond the end of ctx.
func await(ctx context.Context, answer <-chan error, what string) error {
	select {
	case err := <-answer:
		return wrap(what, err)
	case <-ctx.Done():
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case err := <-answer:
		return wrap(what, err)
	case <-t.C:
		return wrap(what, context.Cause(ctx))
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
