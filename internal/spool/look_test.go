package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spanloom/spanloom/internal/private"
)

func TestLook(t *testing.T) {
	if !private.CanLock {
		t.Skip("needs locks")
	}
	dir := tempDir(t)
	if _, err := Look(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	gone := open(t, dir, 1, Config{})
	add(t, gone, 1, 10, 100)
	gone.Ack(1, 4)
	closeSpool(t, gone)
	there := open(t, dir, 2, Config{})
	defer closeSpool(t, there)
	// Opened later, it has taken over what the first has left.
	look := func() (waiting []uint64, inUse []bool) {
		t.Helper()
		list, err := Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if l.Err != nil || l.Bytes == 0 || l.Since.IsZero() {
				t.Errorf("%+v", l)
			}
			waiting, inUse = append(waiting, l.Waiting.Batches), append(inUse, l.InUse)
		}
		return waiting, inUse
	}
	if waiting, inUse := look(); !slices.Equal(waiting, []uint64{6}) || !slices.Equal(inUse, []bool{true}) {
		t.Errorf("taken over: %v %v", waiting, inUse)
	}
	add(t, there, 1, 3, 100)
	before := ls(t, dir)
	if waiting, _ := look(); !slices.Equal(waiting, []uint64{6, 3}) {
		t.Errorf("two logs: %v", waiting)
	}
	if after := ls(t, dir); !slices.Equal(before, after) {
		t.Errorf("%q became %q", before, after)
	}
	closeSpool(t, there)
	if waiting, inUse := look(); !slices.Equal(waiting, []uint64{6, 3}) || slices.Contains(inUse, true) {
		t.Errorf("left by all: %v %v", waiting, inUse)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(dir); err == nil {
		t.Error("looked into what others can read")
	}
}
