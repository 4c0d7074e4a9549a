// Package pace keeps flushes apart.
package pace

import (
	"context"
	"time"
)

// burst is how many flushes go at once after a quiet time. A short program has
// no more, so that its end waits for nothing.
const burst = 4

// Pace keeps flushes apart, so that what arrives meanwhile goes with the next
// one: the host holds it, and does not wait. It is a bucket of burst tokens that
// gets one more each linger.
type Pace struct {
	linger time.Duration
	full   time.Time // when the bucket is full again
}

// New returns a pace of one flush each linger.
func New(linger time.Duration) *Pace { return &Pace{linger: linger} }

// Wait returns when a flush is due, or when ctx ends or hurry is closed.
func (p *Pace) Wait(ctx context.Context, hurry <-chan struct{}) {
	now := time.Now()
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(p.linger)
	early := p.full.Sub(now) - burst*p.linger
	if early <= 0 {
		return
	}
	timer := time.NewTimer(early)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-ctx.Done():
	case <-hurry:
	}
	p.full = time.Now().Add(burst * p.linger) // later flushes do not pay for it
}
