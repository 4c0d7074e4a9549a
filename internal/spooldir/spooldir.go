// Package spooldir knows where telemetry is kept on the disk.
package spooldir

import (
	"crypto/sha256"
	"encoding/hex"
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
// mode and service has its own. See
// https://specifications.freedesktop.org/basedir-spec/latest/
func state(m *manifest.Manifest, s manifest.Service) string {
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
	sum := sha256.Sum256([]byte(strings.Join([]string{file, s.Mode, s.Namespace, s.Name}, "\x00")))
	return filepath.Join(base, "spanloom", "spool", hex.EncodeToString(sum[:8]))
}
