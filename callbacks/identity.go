package callbacks

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// TraceID is a W3C trace id.
type TraceID [16]byte

// String returns 32 lower-case hexadecimal digits.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// SpanID is a W3C parent id.
type SpanID [8]byte

// String returns 16 lower-case hexadecimal digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// IsValid reports whether s is not all zeros.
func (s SpanID) IsValid() bool { return s != SpanID{} }

// Identity is the place of a run in a trace.
type Identity struct {
	TraceID TraceID
	// Parent is the span under which the run stands; zero for a root.
	Parent SpanID
	// Flags are the W3C trace flags. Bit 0 is "sampled".
	Flags byte
	// State is the W3C tracestate header, passed on unchanged.
	State string

	// LinkTrace and LinkSpan are those of the scope in which a run was started that
	// has a trace of its own all the same; zero for all others.
	LinkTrace TraceID
	LinkSpan  SpanID
}

// RunIdentity is what a callback also implements to give runs their identity,
// from whatever tracing world it knows. An engine asks its callbacks in order,
// once per run, before any hook; the first true answer counts. Without one the
// run is the root of a new, sampled trace.
type RunIdentity interface {
	RunIdentity(ctx context.Context) (Identity, bool)
}

// ContextValue is what a callback also implements to answer
// [CallbackContext.Value], such as with the span of the context's scope. It
// returns nil for keys that it does not know, and is called concurrently.
type ContextValue interface {
	ContextValue(cc *CallbackContext, key any) any
}

// NewIdentity returns the identity of the root of a new, sampled trace.
func NewIdentity() Identity {
	var id Identity
	for id.TraceID == (TraceID{}) {
		random(&id.TraceID)
	}
	id.Flags = 1
	return id
}

func randomSpan() uint64 {
	for {
		if s := rand.Uint64(); s != 0 { //nolint:gosec // see random
			return s
		}
	}
}

// random fills b. Ids must be unique, not secret: the runtime's own generator,
// which is seeded by the system, is enough.
func random(b *TraceID) {
	binary.BigEndian.PutUint64(b[:8], rand.Uint64()) //nolint:gosec // see above
	binary.BigEndian.PutUint64(b[8:], rand.Uint64()) //nolint:gosec // see above
}

// childSpan derives a span id from the parent's and what makes the child
// unique under it, so that every runner derives the same id for the same place
// of a run. mix is the finaliser of splitmix64 (Steele, Lea, Flood, 2014).
func childSpan(parent uint64, n *Node, k Kind, index, iteration int32, attempt uint16) uint64 {
	h := mix(parent + n.nameHash())
	h = mix(h ^ uint64(uint32(index))<<32 ^ uint64(uint32(iteration)))
	h = mix(h ^ uint64(attempt)<<8 ^ uint64(k))
	if h == 0 {
		return 1
	}
	return h
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Pinned is what a callback also implements to stay when a step of a pipeline
// replaces the callbacks of the run: what those who operate a program chose is
// not for its pipelines to remove.
type Pinned interface {
	Pinned() bool
}
