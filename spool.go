package spanloom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// durableOf returns how a backend's telemetry is kept on the disk; nil when it is not.
func durableOf(m *manifest.Manifest, b manifest.Backend) *pluginhost.Durable {
	if !b.Delivery.Durable {
		return nil
	}
	d := &pluginhost.Durable{MaxBytes: b.Delivery.MaxBytes, MaxAge: b.Delivery.MaxAge}
	dir := b.Delivery.Dir
	if dir == "" {
		dir = stateDir(m)
	}
	if dir != "" {
		d.Dir = filepath.Join(dir, b.Name)
	}
	return d
}

// stateDir returns the directory for what a manifest keeps, below the one where the
// programs of this user keep their state; "" when that is not known. What is kept goes
// out under the service and to the collector of whoever sends it, so each manifest,
// mode and service has its own. See
// https://specifications.freedesktop.org/basedir-spec/latest/
func stateDir(m *manifest.Manifest) string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // which the specification has ignored
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	file := m.File
	if file != "" {
		if abs, err := filepath.Abs(file); err == nil {
			file = abs
		}
	}
	s := m.Telemetry.Service
	sum := sha256.Sum256([]byte(strings.Join([]string{file, s.Mode, s.Namespace, s.Name}, "\x00")))
	return filepath.Join(base, "spanloom", "spool", hex.EncodeToString(sum[:8]))
}

// Replay starts the backends of the manifest whose delivery is durable, sends what
// earlier runs of programs with that manifest have left in their spools, and ends
// them. It returns what became of it: see [pluginhost.Stats.Spool]. It needs the
// name of the service in the manifest or the environment, under which it is sent.
//
// With telemetry off it does nothing. What programs that run now have not delivered is
// theirs. The error says what could
// not be tried; ctx bounds the time, and what is left then is kept.
func Replay(ctx context.Context, opts ...Option) ([]pluginhost.Stats, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if manifest.Disabled(manifest.Options{}) {
		return nil, nil
	}
	m, err := catalog.Load(o.path, o.embedded, manifest.Options{})
	if err != nil {
		return nil, err //nolint:wrapcheck // each of its lines begins with its place
	}
	if !m.Telemetry.Enabled {
		return nil, nil
	}
	list := slices.DeleteFunc(specs(m, serviceOf(m.Telemetry)), func(e entry) bool { return e.Durable == nil })
	if o.only != "" {
		if list, err = pick(list, o.only); err != nil {
			return nil, err
		}
	}
	if len(list) > 0 && m.Telemetry.Service.Name == "" {
		return nil, errors.New("the service has no name under which to send: write telemetry.service.name, or set OTEL_SERVICE_NAME as for the program")
	}
	stats, errs := make([]pluginhost.Stats, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, spec := range list {
		all.Go(func() { stats[i], errs[i] = replay(ctx, spec.Spec, m) })
	}
	all.Wait()
	return stats, errors.Join(errs...)
}

// replay sends what is in one spool.
func replay(ctx context.Context, spec pluginhost.Spec, m *manifest.Manifest) (pluginhost.Stats, error) {
	h := pluginhost.Start(spec)
	err := h.Replay(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.Telemetry.ShutdownTimeout)
	defer cancel()
	_ = h.Shutdown(end) // what it could not send is kept
	if line, ok := h.Kept(); ok {
		err = errors.New(line)
	} else if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("backend %q: %w", spec.Name, context.Cause(ctx))
	}
	return h.Stats(), err
}
