package cachetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/cache"
)

// key returns a key as an engine makes it.
func key(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// entry returns an entry with a plain value: printable, and not empty.
func entry(value string) cache.Entry {
	return cache.Entry{Value: []byte(value), Cost: time.Second, Created: time.Now().Truncate(time.Second)}
}

// hit says why the key's entry cannot be had, or has another value.
func hit(ctx context.Context, s cache.Store, key string, value []byte) error {
	e, ok, err := s.Get(ctx, key)
	switch {
	case err != nil:
		return fmt.Errorf("get failed: %w", err)
	case !ok:
		return errors.New("get misses what was put")
	default:
		return same(e.Value, value)
	}
}

// same says how a value differs from what was put.
func same(got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("get returns %s, put was %s", show(got), show(want))
	}
	return nil
}

func show(value []byte) string {
	if len(value) > 32 {
		return fmt.Sprintf("%q… (%d bytes)", value[:32], len(value))
	}
	return fmt.Sprintf("%q", value)
}

// putThenHit puts a value and says why it cannot be had back.
func putThenHit(ctx context.Context, s cache.Store, key string, e cache.Entry) error {
	want := bytes.Clone(e.Value)
	if err := s.Put(ctx, key, e); err != nil {
		return fmt.Errorf("put failed: %w", err)
	}
	return hit(ctx, s, key, want)
}
