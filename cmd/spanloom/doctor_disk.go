package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spanloom/spanloom/internal/bytesize"
	"github.com/spanloom/spanloom/internal/private"
	"github.com/spanloom/spanloom/internal/spool"
	"github.com/spanloom/spanloom/internal/spooldir"
	"github.com/spanloom/spanloom/manifest"
)

// checkSpools looks at what backends with durable delivery keep.
func checkSpools(m *manifest.Manifest) (list []finding) {
	for _, b := range m.Telemetry.Backends {
		if b.Delivery.Durable {
			s := m.Telemetry.Service
			dir := spooldir.Of(m, s, b)
			list = append(list, checkSpool(b, dir, spooldir.Replay(m, s, b, dir))...)
			for _, o := range spooldir.Others(m, s, b) {
				list = append(list, finding{
					warning, "spool", b.Name, fmt.Sprintf("%s has %d events of another service, %s, which no program sends", o.Dir, o.Events, o.Service),
					"if its programs do not start any more, run: " + o.Replay,
				})
			}
		}
	}
	return list
}

func checkSpool(b manifest.Backend, dir, replay string) []finding {
	const check = "spool"
	if dir == "" {
		return []finding{{problem, check, b.Name, "this user has no directory for state", "set delivery.dir, XDG_STATE_HOME or HOME"}}
	}
	logs, err := spool.Look(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		message, fix, _ := strings.Cut(err.Error(), ": ")
		return []finding{{problem, check, b.Name, dir + ": " + message, fix}}
	}
	var waiting, left spool.Count
	var bytes int64
	var since time.Time
	for _, l := range logs {
		if l.Err != nil {
			return []finding{{problem, check, b.Name, fmt.Sprintf("%s: %v", dir, l.Err), "run it as the user of the program"}}
		}
		bytes += l.Bytes
		waiting.Events += l.Waiting.Events
		if !l.InUse {
			left.Events += l.Waiting.Events
		}
		if since.IsZero() && l.Waiting.Events > 0 {
			since = l.Since
		}
	}
	list := []finding{{fine, check, b.Name, dir + " has nothing that waits", ""}}
	if waiting.Events > 0 {
		f := &list[0]
		f.Message = fmt.Sprintf("%s has %d events, in %s, that wait since %s", dir, waiting.Events, bytesize.Text(bytes), since.Format(time.RFC3339))
		if left.Events > 0 {
			f.Level = warning
			f.Message += fmt.Sprintf("; no program that runs has %d of them", left.Events)
			f.Fix = "start the program, or run: " + replay
		}
	}
	return append(list, checkRoom(check, b.Name, dir, b.Delivery.MaxBytes-bytes)...)
}

// checkRoom compares what is free where dir is, or will be, with what may be wanted.
func checkRoom(check, subject, dir string, want int64) []finding {
	at := existing(dir)
	free, ok := freeSpace(at)
	switch {
	case !ok:
		return nil
	case free < want:
		return []finding{{
			warning, check, subject, fmt.Sprintf("%s are free at %s, and up to %s may be wanted", bytesize.Text(free), at, bytesize.Text(want)),
			"make room, or lower delivery.max_bytes",
		}}
	default:
		return []finding{{fine, check, subject, bytesize.Text(free) + " are free at " + at, ""}}
	}
}

// existing returns the nearest directory above dir that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// checkRuns looks at the directory of a run store.
func checkRuns(dir string) []finding {
	const check = "runs"
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []finding{{warning, check, "", "there is no directory " + dir, "see where the program keeps its runs; it makes the directory with its first one"}}
	case err == nil:
		err = private.CheckDir(info, private.NoWriters)
	}
	if err != nil {
		message, fix, _ := strings.Cut(err.Error(), ": ")
		return []finding{{problem, check, "", dir + ": " + message, fix}}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []finding{{problem, check, "", err.Error(), "run it as the user of the program"}}
	}
	const enough = 64 << 20
	list := []finding{{fine, check, "", fmt.Sprintf("%s has %s", dir, counted(len(entries), "file")), ""}}
	if free, ok := freeSpace(dir); ok && free < enough {
		list = append(list, finding{warning, check, "", fmt.Sprintf("%s are free at %s", bytesize.Text(free), dir), "make room, or prune runs"})
	}
	return list
}
