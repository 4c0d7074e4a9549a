package disk

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom/cache"
)

// On a disk that is full, Put fails, and the store goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k,mode=0700"); err != nil {
		if !errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
		t.Skip("a small disk needs root: ", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	s, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var full error
	stored := 0
	for i := 0; full == nil && i < 1000; i++ {
		if full = s.Put(t.Context(), key(i), cache.Entry{Value: make([]byte, 10000)}); full == nil {
			stored++
		}
	}
	if !errors.Is(full, syscall.ENOSPC) {
		t.Error(full)
	}
	s.save(1)
	for i := range stored {
		want(t, s, key(i), string(make([]byte, 10000)))
	}
	closeStore(t, s)

	// The index may not have found room, and the smaller limit makes some.
	if s, err = Open(dir, Config{MaxBytes: 100 << 10}); err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	put(t, s, key(1000), "there is room again")
	want(t, s, key(1000), "there is room again")
}
