package callbacks

import (
	"sync"
	"sync/atomic"
)

// Key names a value that callbacks share through contexts. Two keys are
// different even when their names are equal: keep the key in a variable.
type Key[T any] struct{ name string }

// NewKey returns a new key; name is for people.
func NewKey[T any](name string) *Key[T] { return &Key[T]{name} }

// String returns the key's name.
func (k *Key[T]) String() string { return k.name }

// Set stores v in cc, where cc and the scopes inside it see it. To share a value
// with the whole run, set it in cc.Root().
func (k *Key[T]) Set(cc *CallbackContext, v T) {
	k.Update(cc, func(T, bool) T { return v })
}

// Update replaces the value that is stored in cc itself by what f makes of it;
// ok says whether there was one. Concurrent updates come one after another; f
// must not use cc.
func (k *Key[T]) Update(cc *CallbackContext, f func(old T, ok bool) T) {
	s := cc.overlay()
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.m[k].(T)
	if s.m == nil {
		s.m = map[any]any{}
	}
	s.m[k] = f(old, ok)
}

// Get returns the value of the nearest scope that has one: cc or one around it.
func (k *Key[T]) Get(cc *CallbackContext) (v T, ok bool) {
	for ; cc != nil; cc = cc.parent {
		s := cc.state.Load()
		if s == nil {
			continue
		}
		s.mu.Lock()
		v, ok = s.m[k].(T)
		s.mu.Unlock()
		if ok {
			return v, true
		}
	}
	return v, false
}

// In returns the value that is stored in cc itself, whatever is stored around it.
func (k *Key[T]) In(cc *CallbackContext) (v T, ok bool) {
	s := cc.state.Load()
	if s == nil {
		return v, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok = s.m[k].(T)
	return v, ok
}

// Ended reports whether the code of the scope has returned. It is true at the latest
// when the End hooks of a node or a map item are called; for other kinds it stays
// false.
func (cc *CallbackContext) Ended() bool { return atomic.LoadUint32(&cc.bits)&endedBit != 0 }

// End says that the code of the scope has returned. It is for engines, before the
// End hook.
func (cc *CallbackContext) End() {
	atomic.OrUint32(&cc.bits, endedBit)
	if s := cc.state.Load(); s != nil {
		// Wait for who was in WhileOpen before.
		s.open.Lock()
		s.open.Unlock() //nolint:staticcheck // as above
	}
}

// WhileOpen calls f, unless the scope has ended, and reports whether it did. End
// waits until f has returned; calls come one after another. It is for engines.
func (cc *CallbackContext) WhileOpen(f func()) bool {
	s := cc.overlay()
	s.open.Lock()
	defer s.open.Unlock()
	if cc.Ended() {
		return false
	}
	f()
	return true
}

type state struct {
	open sync.Mutex // held in WhileOpen
	mu   sync.Mutex
	m    map[any]any
	path string // of a restored context, whose ancestors are not known
}

func (cc *CallbackContext) overlay() *state {
	if s := cc.state.Load(); s != nil {
		return s
	}
	cc.state.CompareAndSwap(nil, &state{})
	return cc.state.Load()
}
