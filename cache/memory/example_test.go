package memory_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/memory"
)

func Example() {
	store, err := memory.New(memory.Config{MaxBytes: 1 << 20, MaxAge: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, key := context.Background(), strings.Repeat("0a", 32)
	err = store.Put(ctx, key, cache.Entry{Value: []byte("42"), Cost: time.Minute, Created: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, ok, err := store.Get(ctx, key)
	fmt.Println(string(e.Value), e.Cost, ok, err)
	// Output: 42 1m0s true <nil>
}
