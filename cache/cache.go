package cache

import (
	"context"
	"errors"
	"time"
)

// Entry is a stored result.
type Entry struct {
	// Value is the encoded result. An empty one is a result like any other.
	Value []byte
	// Cost is the compute time that the result has cost, and a hit saves.
	Cost time.Duration
	// Created is when it was computed.
	Created time.Time
	// TraceID and SpanID are the W3C ids of the span of what computed it, to which
	// the spans of its users lead. Zero when there is none.
	TraceID [16]byte
	SpanID  [8]byte
}

// Store keeps results by key. All methods are safe for concurrent use.
//
// An engine never fails a run because of a store: it counts an error of Get as
// a miss and reports one of Put.
//
// The keys that an engine gives are SHA-256 sums as 64 lower-case hex digits. A
// store must take every such key, and may refuse any other with an error.
//
//  1. What was put is returned as it was, byte for byte.
//  2. An empty value is a hit. Whether it is returned as nil is left open.
//  3. A second Put of a key replaces the first.
//  4. A key that was not put is a miss: not ok, and no error.
//  5. Cost and Created are kept to the nanosecond; the time zone need not be.
//     TraceID and SpanID are kept, if neither is zero.
//  6. The caller may change the bytes of Value once Put has returned. Nobody
//     may change those that Get returned: they may be shared.
//  7. Concurrent calls do not disturb each other, whatever their keys.
//  8. A cancelled context may make a call fail, but it leaves every key with
//     what was put last, with what the call would have put, or as a miss.
//  9. A value of 8 MiB is kept.
//  10. Keys that differ in any digit are different.
//
// A store may forget any entry at any time, to keep within its limits.
type Store interface {
	// Get returns the entry of a key. A miss is not ok and has no error. An
	// error says why the store could not look; it wraps [ErrCorrupt] when an
	// entry was found damaged and has been removed.
	Get(ctx context.Context, key string) (e Entry, ok bool, err error)
	// Put stores an entry. An error says why it is not stored; what was stored
	// for the key before is then still there or forgotten.
	Put(ctx context.Context, key string, e Entry) error
}

// ErrCorrupt is wrapped by the error of [Store].Get when the stored entry was
// damaged and has been removed.
var ErrCorrupt = errors.New("damaged cache entry")
