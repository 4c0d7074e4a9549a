package disk_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/disk"
)

func Example() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(base) }()

	ctx, key := context.Background(), strings.Repeat("0a", 32)
	for range 2 { // runs of a program
		store, err := disk.Open(filepath.Join(base, "myprogram"), disk.Config{MaxBytes: 1 << 30})
		if err != nil {
			fmt.Println(err)
			return
		}
		e, ok, err := store.Get(ctx, key)
		fmt.Printf("%q %v %v %v\n", e.Value, e.Cost, ok, err)
		if !ok {
			err = store.Put(ctx, key, cache.Entry{Value: []byte("42"), Cost: time.Minute, Created: time.Now()})
		}
		if err == nil {
			err = store.Close()
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// "" 0s false <nil>
	// "42" 1m0s true <nil>
}
