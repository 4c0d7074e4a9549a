package spanloom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/control"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// WithReload lets telemetry change while the program runs: by [Telemetry.Reload], by the
// command "spanloom reload", and when the process gets one of signals, mostly
// syscall.SIGHUP. Without any, no signal is touched. Those that are named do not end the
// program from the beginning of [Open] to the end of [Telemetry.Shutdown], also with
// telemetry off.
//
// What [Telemetry.Callbacks] returns then feeds the backends that there are at each
// moment, also in runs that go on. It is never nil: a program without a backend pays for
// the events all the same.
func WithReload(signals ...os.Signal) Option {
	return func(o *options) { o.reload, o.signals = true, signals }
}

// Reloaded is what a reload has done: names of backends in each list but the last.
type Reloaded struct {
	// Added are new, Replaced run with another entry or file, Removed are gone, and
	// Same were not touched.
	Added, Replaced, Removed, Same []string
	// Later are the paths of settings that are not as this program has them, and that a
	// program takes when it starts, such as telemetry.service.name.
	Later []string
}

// reloading is what a Telemetry needs to be reloaded.
type reloading struct {
	options options
	turn    chan struct{}   // held by whoever reloads
	ctx     context.Context //nolint:containedctx // ends at Shutdown
	end     context.CancelFunc
	watch   sync.WaitGroup
	control *control.Listener
	asked   chan os.Signal // gets the signals; nil when there are none

	opened *manifest.Manifest // whose settings for the next start hold until then

	// Held by the turn.
	file    string  // the manifest of the last reload, or of Open
	entries []entry // those of the set's hosts, in their order

	mu       sync.Mutex
	draining []*pluginhost.Host
	past     []bygone // of backends that were replaced or removed
}

var errNoReload = errors.New("telemetry cannot be reloaded: open it with spanloom.WithReload")

// maxReload bounds a reload that nobody waits for.
const maxReload = time.Minute

// openReload begins to listen to those who may ask for a reload.
func (t *Telemetry) openReload(m *manifest.Manifest, list []entry) {
	r := &t.reloading
	r.opened, r.file, r.entries = m, m.File, list
	if !r.options.reload {
		return
	}
	r.turn = make(chan struct{}, 1)
	r.ctx, r.end = context.WithCancel(context.Background())
	l, err := control.Listen(func(ctx context.Context) control.Answer { return t.reloadNow(ctx) })
	if err != nil { // there are other ways
		t.logger().Warn("spanloom reload cannot reach this program", "reason", err.Error())
	}
	r.control = l
	if r.asked != nil {
		r.watch.Go(func() {
			for {
				select {
				case <-r.asked:
					t.reloadNow(r.ctx)
				case <-r.ctx.Done():
					return
				}
			}
		})
	}
}

// endReload ends a reload that is under way, and lets none begin. For one that hangs, as
// the disk may, it waits for half of the time of ctx: it changes nothing any more.
func (t *Telemetry) endReload(ctx context.Context) {
	r := &t.reloading
	if r.turn == nil {
		return
	}
	r.mu.Lock() // either it has exchanged the backends, or it will not
	r.end()
	r.mu.Unlock()
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r.control != nil {
			r.control.Close()
		}
		r.watch.Wait()
		r.turn <- struct{}{}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// over says why a reload may not go on; nil when it may.
func (r *reloading) over(ctx context.Context) error {
	switch {
	case r.ctx.Err() != nil:
		return fmt.Errorf("reload: %w", pluginhost.ErrClosed)
	case ctx.Err() != nil:
		return fmt.Errorf("reload: %w", ctx.Err())
	default:
		return nil
	}
}

// logger returns where to say what concerns backends.
func (t *Telemetry) logger() *slog.Logger {
	if t.log != nil {
		return t.log
	}
	return newDefaultLog(t.stderr)
}

// reloadNow reloads and says in the log what came of it.
func (t *Telemetry) reloadNow(ctx context.Context) control.Answer {
	ctx, cancel := context.WithTimeout(ctx, maxReload)
	defer cancel()
	done, err := t.Reload(ctx)
	if err != nil {
		t.logger().ErrorContext(ctx, "telemetry is not reloaded, and stays as it was",
			"error", strings.ReplaceAll(err.Error(), "\n", "; ")) // mistakes of a manifest have a line each
		_, invalid := errors.AsType[manifest.Errors](err)
		return control.Answer{Error: absolute(err), Invalid: invalid}
	}
	t.logger().InfoContext(ctx, "telemetry is reloaded", "added", done.Added, "replaced", done.Replaced, "removed", done.Removed, "same", done.Same, "later", done.Later)
	list := func(names []string) []string { return append([]string{}, names...) } // in JSON, not null
	return control.Answer{
		Added: list(done.Added), Replaced: list(done.Replaced), Removed: list(done.Removed),
		Same: list(done.Same), Later: list(done.Later),
	}
}

// placed is a line that begins with its place in a file.
var placed = regexp.MustCompile(`(?m)^[^:\n]+:[0-9]+:[0-9]+: `)

// absolute is the text of an error for somebody in another directory than the program's.
func absolute(err error) string {
	return placed.ReplaceAllStringFunc(err.Error(), func(place string) string {
		if path, err := filepath.Abs(place); err == nil {
			return path
		}
		return place
	})
}

// Reload reads the manifest again and makes telemetry as it says. It needs
// [WithReload], and works on what that was opened with: the same file, or what is now
// found in its place. When there was a file and nothing is found, that is a mistake.
//
// It happens as a whole or not at all. When the manifest has mistakes, which the error
// has with their places as that of [Open], or a new backend does not become ready,
// nothing changes. Otherwise the backends whose entries, files, variables or sums in the
// lock file have changed are replaced, and those that are down if they start now: the new
// one is up before the old one hears no more, and the old one is then given the time of
// shutdown_timeout to export what it has. What it cannot export
// by then is lost, which a line on standard error says, or with a durable delivery is
// left to its successor, or, when that has no delivery or another directory, to the next
// start with the same one, which a line says, too. Others are not touched.
//
// Changes of these settings take effect too: telemetry.enabled, .backends, .capture (for
// what is sent with events), .sampling, .trace.map_items, .trace.max_per_map,
// .logs.level and .shutdown_timeout. What else has changed is in Reloaded.Later.
//
// Reload returns when all is done; reloads come one after another. When ctx ends before
// the backends were exchanged nothing changes, and afterwards the old ones get no more
// time. Shutdown ends it in the same way.
func (t *Telemetry) Reload(ctx context.Context) (Reloaded, error) {
	r := &t.reloading
	if r.turn == nil {
		return Reloaded{}, errNoReload
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return Reloaded{}, fmt.Errorf("reload: %w", ctx.Err())
	}
	if err := r.over(ctx); err != nil {
		return Reloaded{}, err
	}
	m, err := catalog.Load(r.options.path, r.options.embedded, manifest.Options{Terminal: terminal(os.Stderr).IsTerminal})
	if err != nil {
		return Reloaded{}, err //nolint:wrapcheck // each of its lines begins with its place
	}
	if r.file != "" && m.File == "" {
		return Reloaded{}, manifest.Errors{{
			File: r.file, Line: 1, Column: 1,
			Message: "the file is gone; restore it, or, to switch telemetry off, let it say telemetry.enabled: false",
		}}
	}
	list, err := chosen(m, r.opened.Telemetry, &r.options)
	if err != nil {
		return Reloaded{}, err
	}
	for _, e := range list {
		if e.Durable != nil {
			e.Durable.Others = nil // Open has told of them
		}
	}
	if err := r.over(ctx); err != nil { // the disk may have taken its time
		return Reloaded{}, err
	}
	c, err := t.prepare(ctx, list)
	if err != nil {
		return Reloaded{}, err
	}
	c.done.Later = later(r.opened, m)
	if err := t.exchange(ctx, c, list, m); err != nil {
		t.stop(ctx, c.news)
		return Reloaded{}, err
	}
	return c.done, nil
}

// change is a reload under way.
type change struct {
	done  Reloaded
	hosts []*pluginhost.Host
	news  []*pluginhost.Host                    // those of hosts that were started for it
	moved map[*pluginhost.Host]*pluginhost.Host // from the old to the new
	gone  []*pluginhost.Host                    // with those that are replaced
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

// start is of a backend that is new, has changed, or is down and tried again.
type start struct {
	at        int // in the list of entries
	host, old *pluginhost.Host
	again     bool // nothing has changed
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

// bygone is what became of the telemetry for a backend that is gone, or for several of a
// name that have left nothing in a spool.
type bygone struct {
	pluginhost.Stats

	spool string // the directory; "" for none
}

// heir returns the host that sends what is in a spool; nil when there is none.
func heir(hosts []*pluginhost.Host, spool string) *pluginhost.Host {
	i := slices.IndexFunc(hosts, func(h *pluginhost.Host) bool { return spool != "" && h.Spool() == spool })
	if i < 0 {
		return nil
	}
	return hosts[i]
}

// handOver notes what h has taken over from backends that are gone. r.mu is held.
func (r *reloading) handOver(h *pluginhost.Host) {
	for i := range r.past {
		if p := &r.past[i]; p.spool == h.Spool() {
			p.Stats = p.HandedOver(h)
		}
	}
}

// remember adds what became of the telemetry for a backend that is gone. What it has left
// in a spool stays by itself, until somebody takes it over. r.mu is held.
func (r *reloading) remember(h *pluginhost.Host) {
	var list []bygone
	for _, b := range append(r.past, bygone{h.Stats(), h.Spool()}) {
		i := slices.IndexFunc(list, func(p bygone) bool { return p.Name == b.Name && p.Kept == 0 })
		if i < 0 || b.Kept > 0 {
			list = append(list, b)
			continue
		}
		list[i].Stats = b.With(list[i].Stats)
	}
	r.past = list
}

// stats returns those of all backends that there are, and then of those that were.
func (r *reloading) stats(set *pluginhost.Set) []pluginhost.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []pluginhost.Stats{}
	for _, h := range set.Hosts() {
		list = append(list, h.Stats())
	}
	add := func(old pluginhost.Stats) {
		i := slices.IndexFunc(list, func(s pluginhost.Stats) bool { return s.Name == old.Name })
		if i < 0 {
			list = append(list, old)
			return
		}
		list[i] = list[i].With(old)
	}
	for _, h := range r.draining {
		s := h.Stats()
		if next := heir(set.Hosts(), h.Spool()); next != nil {
			s = s.HandedOver(next)
		}
		add(s)
	}
	for _, h := range set.Hosts() {
		r.handOver(h)
	}
	for _, old := range r.past {
		add(old.Stats)
	}
	return list
}

// startOnly are the settings that a program takes when it starts.
var startOnly = []string{
	"telemetry.service.", "telemetry.attributes", "telemetry.trace.mode", "telemetry.propagation.",
	"telemetry.logs.format", "telemetry.logs.forward", "telemetry.capture.redact", "runs.", "live.",
}

// later returns which of the settings that are not as they were opened are for the next start.
func later(old, now *manifest.Manifest) (list []string) {
	before, after := startSettings(old), startSettings(now)
	for path, value := range after {
		if v, ok := before[path]; !ok || v != value {
			list = append(list, path)
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			list = append(list, path)
		}
	}
	slices.Sort(list)
	return list
}

func startSettings(m *manifest.Manifest) map[string]string {
	settings := map[string]string{}
	for _, s := range m.Settings() {
		if slices.ContainsFunc(startOnly, func(p string) bool { return strings.HasPrefix(s.Path, p) }) {
			settings[s.Path] = fmt.Sprint(s.Value)
		}
	}
	return settings
}

// sumOf returns a text that differs when a backend has to be another: by its entry, what
// it is told of traces and captured values, its variables, its files, or what the lock
// file allows.
func sumOf(m *manifest.Manifest, b manifest.Backend, s *pluginhost.Spec, allowed string) string {
	b.Required = false // which is of no matter once it has started
	paths := []string{b.TLS.CA, b.TLS.Cert, b.TLS.Key}
	paths = append(paths, b.Command...)
	if _, ok := catalog.Lookup(b.Plugin); !ok && b.Plugin != "" {
		paths = append(paths, catalog.PathOf(b.Plugin, m.Plugins.Dirs))
	}
	var files []string
	for _, path := range paths {
		file, err := filepath.EvalSymlinks(path)
		if !filepath.IsAbs(path) || err != nil {
			continue
		}
		if info, err := os.Stat(file); err == nil {
			files = append(files, fmt.Sprint(file, info.Size(), info.ModTime().UnixNano()))
		}
	}
	text, err := json.Marshal([]any{b, m.Telemetry.Capture, s.Tracing, s.Unsampled, slices.Sorted(slices.Values(s.Env)), files, allowed})
	if err != nil { // does not happen: all of it was JSON
		return ""
	}
	return string(text)
}
