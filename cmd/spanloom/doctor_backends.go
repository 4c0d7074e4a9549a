package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/tryout"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// checkBackendFiles looks at the files of the backends that are files, without running
// them, and whether the lock file allows them. Of one at an address it says where that is.
func checkBackendFiles(m *manifest.Manifest, unlocked bool) (list []finding) {
	lock := catalog.ReadLock(m)
	for i, b := range m.Telemetry.Backends {
		if b.Address != "" {
			list = append(list, finding{fine, "backend", b.Name, "at " + b.Address + ", " + spoken(&b), ""})
			continue
		}
		path, key := backendFile(m, b)
		if key == "" {
			continue
		}
		refused := func(check string, err error) finding {
			f := finding{Level: problem, Check: check, Subject: b.Name}
			f.Message, f.Fix = parted(m.Errorf(catalog.Path(i)+"."+key, "%v", err).Error(), err)
			return f
		}
		file, locked := lock.Verify(i)
		if file != nil {
			list = append(list, refused("file", file))
			continue
		}
		mode := ""
		if info, err := os.Stat(path); err == nil {
			mode = fmt.Sprintf(" (mode %04o)", info.Mode().Perm())
		}
		list = append(list, finding{fine, "file", b.Name, path + " can be run" + mode + ", and changed by nobody else", ""})
		allowed := finding{fine, "lock", b.Name, m.Plugins.Lock + " allows its bytes", ""}
		if locked != nil {
			allowed = refused("lock", locked)
			if unlocked {
				allowed.Level = warning
			}
		}
		list = append(list, allowed)
	}
	return list
}

// spoken is how a backend at an address is spoken to.
func spoken(b *manifest.Backend) string {
	if b.Secure() {
		return "by TLS"
	}
	return "in plain text"
}

// parted takes the fix out of the text of an error, to be told by itself.
func parted(text string, err error) (message, fix string) {
	se, ok := errors.AsType[*pluginhost.StartError](err)
	if !ok || se.Fix == "" {
		return text, ""
	}
	return strings.Replace(text, ": "+se.Fix, "", 1), se.Fix
}

// checkDelivery starts the backends and has them deliver a small run.
func checkDelivery(ctx context.Context, x examination, m *manifest.Manifest) (list []finding) {
	var opts []spanloom.Option
	if x.file != "" {
		opts = append(opts, spanloom.WithManifest(x.file))
	}
	if x.unlocked {
		opts = append(opts, spanloom.AllowUnlocked())
	}
	r, err := tryOut(tryout.Context(ctx), x.timeout, opts...)
	if err != nil {
		return []finding{{problem, "backend", "", err.Error(), ""}}
	}
	for _, b := range r.Backends {
		c := spanloom.Check{Err: errors.New("it was not asked")}
		if i := slices.IndexFunc(r.checks, func(c spanloom.Check) bool { return c.Name == b.Name }); i >= 0 {
			c = r.checks[i]
		}
		if c.Err == nil {
			d := c.Description
			list = append(list, finding{
				fine, "backend", b.Name,
				fmt.Sprintf("%s %s started, with protocol version %d", d.Name, d.Version, d.Protocol), "",
			})
		}
		list = append(list, delivered(m, b, c, r.TraceID))
		if c.Err == nil && !c.Health.Failing && c.Health.Message != "" {
			list = append(list, finding{warning, "backend", b.Name, c.Health.Message, ""})
		}
	}
	return list
}

// delivered says what became of the small run.
func delivered(m *manifest.Manifest, b triedBackend, c spanloom.Check, traceID string) finding {
	f := finding{Level: fine, Check: "backend", Subject: b.Name}
	switch {
	case b.Accepted == b.Sent && !c.Health.Failing:
		f.Message = fmt.Sprintf("it has accepted a small run, %d events, as trace %s; look for that at the other end", b.Sent, traceID)
		return f
	case b.err != nil:
		f.Message, f.Fix = parted(b.Problem, b.err)
	case c.Health.Message != "":
		f.Message = fmt.Sprintf("%d of %d events accepted: %s", b.Accepted, b.Sent, c.Health.Message)
	case b.Problem != "":
		f.Message = b.Problem
	default:
		f.Message = "its last export has failed"
	}
	f.Level = problem
	if f.Fix == "" {
		f.Fix = lookAt(m, b.Name)
	}
	return f
}

// lookAt says where to look when nothing arrives at the other end of a backend.
func lookAt(m *manifest.Manifest, name string) string {
	i := slices.IndexFunc(m.Telemetry.Backends, func(b manifest.Backend) bool { return b.Name == name })
	if m.File == "" || i < 0 {
		return "look at the endpoint, key and certificate in the environment, and whether the collector runs"
	}
	b := &m.Telemetry.Backends[i]
	switch {
	case b.Address == "":
		return "look at the endpoint, key and certificate in " + placeOf(m, catalog.ConfigPath(i, "")) + ", and whether the collector runs"
	case b.TLS != (manifest.TLS{}):
		return "look at the address in " + placeOf(m, catalog.Path(i)+".address") +
			", its tls in " + placeOf(m, catalog.Path(i)+".tls") + ", and whether the backend runs"
	default:
		return "look at the address in " + placeOf(m, catalog.Path(i)+".address") + ", and whether the backend runs"
	}
}

// placeOf is where a key of a manifest stands.
func placeOf(m *manifest.Manifest, path string) string {
	e := m.Errorf(path, "")
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
}
