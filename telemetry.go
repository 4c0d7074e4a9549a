package spanloom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/telemetry/providers"
)

// Telemetry is the set of backends that [Open] started. Its methods may be
// called concurrently.
type Telemetry struct {
	timeout atomic.Int64   // to shut down, a time.Duration
	stderr  *output.Writer // never blocks for more than a moment
	set     *pluginhost.Set
	log     *slog.Logger // nil when nobody has said how to log
	level   slog.LevelVar
	own     own

	reloading reloading

	once sync.Once
	err  error

	told atomic.Uint64 // how much of ProgramStats.Lost Flush has told
}

func (t *Telemetry) start(list []entry) {
	hosts := make([]*pluginhost.Host, len(list))
	for i, e := range list {
		hosts[i] = t.startOne(e)
	}
	t.set.Replace(hosts, nil)
}

func (t *Telemetry) startOne(e entry) *pluginhost.Host {
	e.Terminal = terminal(os.Stderr)
	e.Output = t.stderr
	if e.Logger == nil {
		e.Logger = t.logger()
	}
	return pluginhost.Start(e.Spec)
}

// Callbacks returns what to put into an engine's Config.Callbacks. There is
// nothing in it when there is no backend and nobody asked for logs, and a run then
// pays nothing.
//
// They are [callbacks.Pinned]: a step with engine.WithCallbacks does not switch
// off what the manifest says.
//
// Runs that get these callbacks continue the trace of an OpenTelemetry span in
// their context, and a tracer that is given a node's context makes children of
// the node's span.
//
// A run may have the callbacks of several values. All their backends get its events,
// with the same ids; of what can be said once only, such as whether it is sampled and
// which providers its nodes find, the first value's counts.
func (t *Telemetry) Callbacks() []callbacks.PipelineCallback {
	hosts := t.set.Hosts()
	if t.reloading.options.reload {
		return append(t.ownCallbacks(), callbacks.Pin(t.set))
	}
	if len(hosts) == 0 && t.own.lifecycle == nil && t.own.given == (Providers{}) {
		return nil
	}
	list := t.ownCallbacks()
	for _, h := range hosts {
		list = append(list, callbacks.Pin(h))
	}
	return list
}

// Flush waits until the backends have exported what was emitted so far, or ctx
// ends, or a backend is down. The error says what is missing, and what was lost, for
// whatever reason, since the last Flush.
func (t *Telemetry) Flush(ctx context.Context) error {
	t.own.later.Flush()
	hosts := t.set.Hosts()
	errs := make([]error, len(hosts)+1)
	if p := t.own.providers; p != nil {
		err := p.ForceFlush(ctx)
		if lost := p.Stats().Lost(); lost > t.told.Swap(lost) && err == nil {
			line, _ := p.Lost()
			err = errors.New(line)
		}
		if err != nil {
			errs[len(hosts)] = fmt.Errorf("flush: %s", t.own.redactor.Text(err.Error()))
		}
	}
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			errs[i] = h.Flush(ctx)
			if errors.Is(errs[i], pluginhost.ErrClosed) && !slices.Contains(t.set.Hosts(), h) {
				errs[i] = nil // replaced meanwhile, which tells of its losses
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Stats returns, for each backend, what became of the telemetry that it was sent,
// at one moment. After Shutdown it goes on counting what comes too late.
func (t *Telemetry) Stats() []pluginhost.Stats {
	return t.reloading.stats(t.set)
}

// ProgramStats returns what became of the spans, metrics and log records that the
// program made with the providers of t, before they came to the queues of the backends.
// What is made after Shutdown is counted too. It is zero with no backend.
func (t *Telemetry) ProgramStats() providers.Stats {
	if t.own.providers == nil {
		return providers.Stats{}
	}
	return t.own.providers.Stats()
}

// Shutdown sends what is still queued, ends the backends and returns within the
// manifest's shutdown_timeout, or by the deadline of ctx if that is earlier,
// whatever the backends do. What could not be delivered is told in one line for
// each backend on standard error; the error says the same. What is kept on the disk
// for the next start is told there, too, and is no error.
//
// Calling it again does nothing and returns the same error. What runs emit
// afterwards is dropped, and counted by [Telemetry.Stats] and
// [Telemetry.ProgramStats].
func (t *Telemetry) Shutdown(ctx context.Context) error {
	t.once.Do(func() {
		t.endReload()
		timeout := time.Duration(t.timeout.Load())
		// What standard error takes at most, should nobody read it, is part of the time.
		ctx, cancel := context.WithTimeout(ctx, timeout-min(timeout/10, maxReserve))
		defer cancel()
		told := io.Writer(t.stderr)
		if output.IsQuiet(ctx) {
			told = io.Discard
		}
		var lost []error
		if line, ok := t.own.shutdown(ctx); ok {
			fmt.Fprintln(told, line)
			lost = append(lost, errors.New(line))
		}
		var all sync.WaitGroup
		hosts := t.set.Hosts()
		for _, h := range hosts {
			all.Go(func() { _ = h.Shutdown(ctx) }) // Lost says what came of it
		}
		all.Wait()
		for _, h := range hosts {
			if line, ok := h.Lost(); ok {
				fmt.Fprintln(told, line)
				lost = append(lost, errors.New(line))
			}
			if line, ok := h.Kept(); ok {
				fmt.Fprintln(t.stderr, line)
			}
			if t.log != nil {
				s := h.Stats()
				t.log.LogAttrs(ctx, slog.LevelInfo, "telemetry has ended", slog.String("backend", s.Name), slog.Any("ledger", s))
			}
		}
		t.stderr.Drain(ctx)
		t.stderr.SettleAll() // who logs now may end the program next
		t.err = errors.Join(lost...)
	})
	return t.err
}

// maxReserve is the most of the time to shut down that is kept for a standard
// error that nobody reads.
const maxReserve = 250 * time.Millisecond
