package backend

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// exportTimeout is the most time for one call of an exporter.
	exportTimeout = 10 * time.Second
	// exportGrace is how long an exporter whose context has ended may take to say why.
	exportGrace = 50 * time.Millisecond
)

// lane calls one exporter: once at a time, and whatever that does, call returns.
type lane chan struct{}

// exportError is what an exporter said.
type exportError struct{ error }

func (e *exportError) Unwrap() error { return e.error }

// errStuck is that of a call that f has not returned from.
var errStuck = errors.New("has not returned")

// call calls f with a context that ends with ctx or after some seconds, and returns
// when f does or shortly after the end of that. A call that comes while an earlier one
// has not returned fails when its own time is over.
func (l lane) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	select {
	case l <- struct{}{}:
	case <-ctx.Done():
		cancel()
		return &exportError{fmt.Errorf("an earlier call of the exporter %w: %w", errStuck, context.Cause(ctx))}
	}
	done := make(chan error, 1)
	go func() {
		err := errors.New("the exporter ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the exporter panicked: %v", p)
			}
			cancel()
			<-l
			done <- err
		}()
		err = f(ctx)
	}()
	select {
	case err := <-done:
		return said(err)
	case <-ctx.Done():
	}
	late := time.NewTimer(exportGrace)
	defer late.Stop()
	select {
	case err := <-done:
		return said(err)
	case <-late.C:
		return &exportError{fmt.Errorf("the exporter %w: %w", errStuck, context.Cause(ctx))}
	}
}

func said(err error) error {
	if err == nil {
		return nil
	}
	return &exportError{err}
}
