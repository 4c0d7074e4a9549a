// Package spooldir knows where telemetry is kept on the disk.
package spooldir

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spanloom/spanloom/manifest"
)

// Of returns the directory of a backend of m whose delivery is durable, for what is of
// service s; "" when it is not known.
func Of(m *manifest.Manifest, s manifest.Service, b manifest.Backend) string {
	dir := b.Delivery.Dir
	if dir == "" {
		dir = state(m, s)
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, b.Name)
}

// state returns the directory for what a manifest keeps, below the one where the
// programs of this user keep their state; "" when that is not known. What is kept goes
// out under the service and to the collector of whoever sends it, so each manifest,
// mode, namespace and service has its own; those of the services are beside one another.
// See https://specifications.freedesktop.org/basedir-spec/latest/
func state(m *manifest.Manifest, s manifest.Service) string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // which the specification has ignored
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "spanloom", "spool", sum(absolute(m.File), s.Mode, s.Namespace), fileName(s.Name))
}

// absolute returns a path from the root; "" stays.
func absolute(file string) string {
	if file == "" {
		return ""
	}
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}

func sum(parts ...string) string {
	all := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(all[:8])
}

const (
	prefix  = "service-"  // of the directory of one
	hashed  = "services-" // of that of one with a name that is too long for a file
	maxName = 200
)

// fileName returns what the directory of a service is called. Names differ whether or
// not the system looks at the case of letters.
func fileName(service string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for i := range len(service) {
		switch c := service[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() > maxName {
		return hashed + sum(service)
	}
	return b.String()
}

// serviceOf returns the service whose directory is called so.
func serviceOf(name string) (service string, ok bool) {
	text, ok := strings.CutPrefix(name, prefix)
	service, err := url.PathUnescape(text)
	return service, ok && err == nil && fileName(service) == name
}
