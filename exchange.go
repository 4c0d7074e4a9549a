package spanloom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// change is a reload under way.
type change struct {
	done  Reloaded
	hosts []*pluginhost.Host
	news  []*pluginhost.Host                    // those of hosts that were started for it
	moved map[*pluginhost.Host]*pluginhost.Host // from the old to the new
	gone  []*pluginhost.Host                    // with those that are replaced
}

// start is of a backend that is new, has changed, or is down and tried again.
type start struct {
	at        int // in the list of entries
	host, old *pluginhost.Host
	again     bool // nothing has changed
}

// prepare starts what is new, and waits until it is ready.
func (t *Telemetry) prepare(ctx context.Context, list []entry) (*change, error) {
	c := &change{moved: map[*pluginhost.Host]*pluginhost.Host{}}
	now := t.set.Hosts()
	left := map[string]bool{}
	var starts []start
	limit := time.Duration(0)
	for at, e := range list {
		left[e.Name] = true
		i := slices.IndexFunc(t.reloading.entries, func(old entry) bool { return old.Name == e.Name })
		st := start{at: at, again: i >= 0 && t.reloading.entries[i].sum == e.sum}
		if i >= 0 {
			st.old = now[i]
		}
		if st.again && st.old.Err() == nil {
			c.hosts = append(c.hosts, st.old)
			c.done.Same = append(c.done.Same, e.Name)
			continue
		}
		st.host = t.startOne(e)
		starts = append(starts, st)
		c.hosts = append(c.hosts, st.host)
		limit = max(limit, 3*e.StartTimeout) // until the handshake, and until it is configured
	}
	for i, e := range t.reloading.entries {
		if !left[e.Name] {
			c.gone = append(c.gone, now[i])
			c.done.Removed = append(c.done.Removed, e.Name)
		}
	}
	ready, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var errs []error
	var failed []*pluginhost.Host
	for _, st := range starts {
		err, name := st.host.Ready(ready), list[st.at].Name
		switch {
		case err != nil && st.again: // it is still down, which is no fault of the change
			failed = append(failed, st.host)
			c.hosts[st.at] = st.old
			c.done.Same = append(c.done.Same, name)
			continue
		case err != nil:
			errs = append(errs, err)
		case st.old == nil:
			c.done.Added = append(c.done.Added, name)
		default:
			c.moved[st.old] = st.host
			c.gone = append(c.gone, st.old)
			c.done.Replaced = append(c.done.Replaced, name)
		}
		c.news = append(c.news, st.host)
	}
	if len(errs) > 0 {
		t.stop(ctx, append(failed, c.news...))
		return nil, errors.Join(errs...)
	}
	t.stop(ctx, failed)
	return c, nil
}

// stop ends hosts, which have the time of a shutdown for that.
func (t *Telemetry) stop(ctx context.Context, hosts []*pluginhost.Host) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(t.timeout.Load()))
	defer cancel()
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() { _ = h.Shutdown(ctx) }) // Lost says what came of it
	}
	all.Wait()
}

// exchange puts the new backends in place of the old ones, unless the time for it is over.
func (t *Telemetry) exchange(ctx context.Context, c *change, list []entry, m *manifest.Manifest) error {
	r := &t.reloading
	r.mu.Lock()
	if err := r.over(ctx); err != nil {
		r.mu.Unlock()
		return err
	}
	t.set.Replace(c.hosts, c.moved)
	r.draining = c.gone
	r.mu.Unlock()
	r.entries, r.file = list, m.File
	t.own.ratio.Store(math.Float64bits(m.Telemetry.Sampling.Ratio))
	t.timeout.Store(int64(m.Telemetry.ShutdownTimeout))
	_ = t.level.UnmarshalText([]byte(m.Telemetry.Logs.Level)) // the schema knows the words

	t.stop(ctx, c.gone)
	for _, h := range c.gone {
		if line, ok := h.Lost(); ok {
			fmt.Fprintln(t.stderr, line)
		}
		next := heir(c.hosts, h.Spool())
		if next != nil {
			next.Adopt()
		}
		if line, ok := h.Kept(); ok && (next == nil || h.Stats().HandedOver(next).Kept > 0) {
			fmt.Fprintln(t.stderr, line)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range c.gone {
		r.handOver(h) // it may have taken over itself what an earlier one has left
		r.remember(h)
	}
	r.draining = nil
	return nil
}
