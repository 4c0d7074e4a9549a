package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanloom/spanloom/cache"
)

// hitAfterPut tries every byte, and lengths around those of blocks.
func hitAfterPut(ctx context.Context, s cache.Store) error {
	for _, n := range []int{1, 2, 255, 256, 4095, 4096, 4097, 65536} {
		value := make([]byte, n)
		for i := range value {
			value[i] = byte(i - 1) // ends and begins with bytes that are no text
		}
		e := entry("")
		e.Value = value
		if err := putThenHit(ctx, s, key(fmt.Sprint(n)), e); err != nil {
			return fmt.Errorf("a value of %d bytes: %w", n, err)
		}
	}
	return nil
}

func emptyValue(ctx context.Context, s cache.Store) error {
	for i, value := range [][]byte{nil, {}} {
		e := entry("")
		e.Value = value
		if err := putThenHit(ctx, s, key(fmt.Sprint(i)), e); err != nil {
			return err
		}
	}
	return nil
}

func replaced(ctx context.Context, s cache.Store) error {
	for _, value := range []string{"first", "the second is longer", "3rd"} {
		if err := putThenHit(ctx, s, key("k"), entry(value)); err != nil {
			return err
		}
	}
	return nil
}

func unknownKey(ctx context.Context, s cache.Store) error {
	for range 2 {
		e, ok, err := s.Get(ctx, key("never put"))
		switch {
		case err != nil:
			return fmt.Errorf("a miss is an error: %w", err)
		case ok:
			return fmt.Errorf("get returns %s for a key that was not put", show(e.Value))
		}
		if err := s.Put(ctx, key("another"), entry("value")); err != nil {
			return fmt.Errorf("put failed: %w", err)
		}
	}
	return nil
}

func facts(ctx context.Context, s cache.Store) error {
	now := time.Now()
	for i, e := range []cache.Entry{
		{Cost: 0, Created: now},
		{Cost: 1, Created: now.Add(-time.Nanosecond), TraceID: [16]byte{1, 15: 2}, SpanID: [8]byte{3, 7: 4}},
		{Cost: 90*time.Minute + 7, Created: now.In(time.FixedZone("somewhere", 3*3600)).Add(-time.Hour)},
	} {
		e.Value = []byte("value")
		k := key(fmt.Sprint(i))
		if err := s.Put(ctx, k, e); err != nil {
			return fmt.Errorf("put failed: %w", err)
		}
		got, ok, err := s.Get(ctx, k)
		if err != nil || !ok {
			continue // rule 1 says so
		}
		if got.Cost != e.Cost {
			return fmt.Errorf("get returns a cost of %s, put was %s", got.Cost, e.Cost)
		}
		if !got.Created.Equal(e.Created) {
			return fmt.Errorf("get returns created at %s, put was %s", got.Created.UTC(), e.Created.UTC())
		}
		if got.TraceID != e.TraceID || got.SpanID != e.SpanID {
			return fmt.Errorf("get returns the span %x of trace %x, put was %x of %x", got.SpanID, got.TraceID, e.SpanID, e.TraceID)
		}
	}
	return nil
}

func ownBytes(ctx context.Context, s cache.Store) error {
	e := entry("the value as it was put")
	want := bytes.Clone(e.Value)
	if err := s.Put(ctx, key("k"), e); err != nil {
		return fmt.Errorf("put failed: %w", err)
	}
	for i := range e.Value {
		e.Value[i] = 'x'
	}
	return hit(ctx, s, key("k"), want)
}

// concurrentUse has workers that each put and get keys of their own, and keys
// that all of them share. A shared key may have any value put for it, whole.
func concurrentUse(ctx context.Context, s cache.Store) error {
	const workers, rounds, shared = 16, 40, 4
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				if errs[w] = oneRound(ctx, s, w, i, key(fmt.Sprint("shared", i%shared))); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func oneRound(ctx context.Context, s cache.Store, worker, i int, shared string) error {
	own := key(fmt.Sprintf("%d of %d", i, worker))
	text := strings.Repeat(string(rune('a'+worker)), 100*(worker+1))
	if err := putThenHit(ctx, s, own, entry(text)); err != nil {
		return fmt.Errorf("a key of one worker: %w", err)
	}
	if err := s.Put(ctx, shared, entry(text)); err != nil {
		return fmt.Errorf("put of a shared key failed: %w", err)
	}
	e, ok, err := s.Get(ctx, shared)
	switch {
	case err != nil:
		return fmt.Errorf("get of a shared key failed: %w", err)
	case !ok:
		return errors.New("get misses a shared key")
	}
	// By its first byte it is known whose value it is, and thus the rest.
	if len(e.Value) == 0 {
		return errors.New("get returns an empty value for a shared key")
	}
	return same(e.Value, bytes.Repeat(e.Value[:1], 100*(int(e.Value[0]-'a')+1)))
}

func cancelledContext(ctx context.Context, s cache.Store) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := putThenHit(ctx, s, key("old"), entry("old")); err != nil {
		return err
	}
	_ = s.Put(cancelled, key("old"), entry("the new value"))
	_ = s.Put(cancelled, key("new"), entry("the new value"))
	for _, c := range []context.Context{cancelled, ctx} {
		for name, may := range map[string][]string{"old": {"old", "the new value"}, "new": {"the new value"}} {
			e, ok, err := s.Get(c, key(name))
			if err != nil && c == ctx {
				return fmt.Errorf("get failed after a call with a cancelled context: %w", err)
			}
			if err == nil && ok && !slices.Contains(may, string(e.Value)) {
				return fmt.Errorf("get returns %s, put was one of %q", show(e.Value), may)
			}
		}
	}
	return putThenHit(ctx, s, key("new"), entry("newest"))
}

func largeValue(ctx context.Context, s cache.Store) error {
	e := entry("")
	e.Value = bytes.Repeat([]byte("0123456789abcdef"), 8<<20/16)
	return putThenHit(ctx, s, key("large"), e)
}

func keysApart(ctx context.Context, s cache.Store) error {
	base := strings.Repeat("a", 64)
	keys := []string{base, strings.Repeat("0", 64), strings.Repeat("f", 64)}
	for i := range base {
		keys = append(keys, base[:i]+"b"+base[i+1:])
	}
	for _, k := range keys {
		if err := s.Put(ctx, k, entry(k)); err != nil {
			return fmt.Errorf("put of %s failed: %w", k, err)
		}
	}
	for _, k := range keys {
		if err := hit(ctx, s, k, []byte(k)); err != nil {
			return fmt.Errorf("key %s: %w", k, err)
		}
	}
	return nil
}
