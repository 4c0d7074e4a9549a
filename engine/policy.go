package engine

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
)

// Option says how a step runs. It is given where the step is made, or where a
// pipeline uses it, which counts more.
//
// What an option says of a pipeline holds for all steps inside that say nothing
// of the same aspect themselves: the nearest word counts, each aspect on its
// own. Not said means inherited; said to be none, such as WithTimeout(0), means
// off.
type Option func(*usage)

// usage is what the options of one place or step say.
type usage struct {
	name    string
	version string
	label   any // func(I) string
	policy  policy
	problems
}

// apply returns what options say of a step with that name.
func apply(opts []Option, name string) usage {
	if len(opts) == 0 {
		return usage{name: name}
	}
	u := usage{name: name}
	for i, o := range opts {
		if o == nil {
			u.addf("option %d of %d is nil; leave it out", i+1, len(opts))
			continue
		}
		o(&u)
	}
	return u
}

// policy is what was said of a step, or inherited; a nil field says nothing.
type policy struct {
	retry       *Retry
	timeout     *time.Duration
	cache       *caching
	concurrency *int
	runner      *Runner
	callbacks   *listening
	tolerant    bool // not inherited
}

// caching is what was said about the cache.
type caching struct {
	on      bool
	version string
	store   cache.Store // nil: that of the Config
}

// listening is what was said about callbacks.
type listening struct {
	replace bool
	list    []callbacks.PipelineCallback
}

// Retry says how often and when a failed step is tried again. Returned errors
// and timeouts are retried; panics and cancellations are not, unless Retryable
// says so of a panic.
type Retry struct {
	// Attempts is the most attempts, the first included; 1 means no retry.
	Attempts int
	// Delay is about the time before the second attempt; it doubles with every
	// further one. The real delay is between half of that and all of it, at
	// random. Defaults to none.
	Delay time.Duration
	// MaxDelay bounds the delay. Defaults to 30 s, or Delay if that is more.
	MaxDelay time.Duration
	// Retryable says whether an error is worth another attempt. Defaults to
	// every error but a panic.
	Retryable func(error) bool
}

const defaultMaxDelay = 30 * time.Second

// delay returns the time to wait after that many attempts.
func (r *Retry) delay(attempts int) time.Duration {
	most, d := r.most(), r.Delay
	for i := 1; i < attempts && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	if d <= 1 {
		return d
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // it spreads load
}

// most returns the bound of the delay.
func (r *Retry) most() time.Duration {
	if r.MaxDelay == 0 {
		return max(defaultMaxDelay, r.Delay)
	}
	return r.MaxDelay
}

// maxAttempts is what a context can count.
const maxAttempts = 1<<16 - 1

// WithName gives the step another name at this place, which is needed when a
// pipeline uses the same step twice.
func WithName(name string) Option { return func(u *usage) { u.name = name } }

// WithVersion says which version a pipeline has, for its spans. It is for [Define],
// and changes nothing else: a run goes on with another version, and results stay in
// the cache.
func WithVersion(version string) Option {
	return func(u *usage) {
		if u.version = version; version == "" {
			u.addf("the version is empty; leave WithVersion out")
		}
	}
}

// WithLabel says what tells the items of a map apart for people, such as the name of
// a file: it is on their spans. It is for [Map] and [Map2], with the type of the items.
//
// Label is called when an item begins and when it ends, if a callback hears of that,
// possibly by several goroutines at once. At most 100 characters of what it returns
// are taken.
func WithLabel[I any](label func(item I) string) Option {
	return func(u *usage) {
		if label == nil {
			u.addf("the function of WithLabel is nil")
			return
		}
		u.label = label
	}
}

// WithRetry says how a step that failed is tried again; Retry{Attempts: 1} means
// not at all.
func WithRetry(r Retry) Option {
	return func(u *usage) {
		if r.Attempts < 1 || r.Attempts > maxAttempts {
			u.addf("Retry.Attempts is %d; give the number of attempts, the first included, from 1 to %d", r.Attempts, maxAttempts)
		}
		if r.Delay < 0 {
			u.addf("Retry.Delay is %s; it cannot be negative", r.Delay)
		}
		switch {
		case r.MaxDelay < 0:
			u.addf("Retry.MaxDelay is %s; it cannot be negative", r.MaxDelay)
		case r.MaxDelay > 0 && r.MaxDelay < r.Delay:
			u.addf("Retry.Delay is %s, more than MaxDelay, which is %s; raise MaxDelay or leave it out", r.Delay, r.MaxDelay)
		}
		u.policy.retry = &r
	}
}

// WithTimeout bounds each attempt of a step; 0 means no bound. At the deadline
// the context of the attempt ends. If its function has not returned 10 ms later,
// the attempt has failed: the function goes on in vain, and is counted by
// [Abandoned].
func WithTimeout(d time.Duration) Option {
	return func(u *usage) {
		if d < 0 {
			u.addf("the timeout is %s; give 0 for none", d)
		}
		u.policy.timeout = &d
	}
}

// WithCache keeps the step's results, and uses them instead of running it again
// with equal inputs. Change version when the function changes. Results are kept
// in store, or else in [Config].Cache; of a map, for each item.
//
// The key is the step's name, the name and the Go type of its function, version,
// and its inputs as JSON. What a closure holds is not part of it. An
// input or result that JSON would not keep as it is, such as a struct with
// unexported fields, is not cached; hooks tell why.
func WithCache(version string, store ...cache.Store) Option {
	return func(u *usage) {
		c := &caching{on: true, version: version}
		switch {
		case len(store) > 1:
			u.addf("WithCache has %d stores; give at most one", len(store))
		case len(store) == 1:
			c.store = store[0]
		}
		u.policy.cache = c
	}
}

// WithoutCache runs the step whatever is stored.
func WithoutCache() Option { return func(u *usage) { u.policy.cache = &caching{} } }

// WithConcurrency bounds how many items of a map are in flight at once, besides
// the bound of the whole run; 0 means no bound of its own. An item that waits
// for its next attempt is in flight.
func WithConcurrency(n int) Option {
	return func(u *usage) {
		if n < 0 || n > maxConcurrency {
			u.addf("the concurrency is %d; give a number from 1 to %d, or 0 for no bound", n, maxConcurrency)
		}
		u.policy.concurrency = &n
	}
}

// WithRunner has another runner run the step and all that is inside.
func WithRunner(r Runner) Option {
	return func(u *usage) {
		if r == (Runner{}) {
			u.addf("the runner is the zero Runner; take engine.Local() or engine.Sequential()")
		}
		u.policy.runner = &r
	}
}

// WithCallbacks replaces the callbacks of the run for the step and all that is
// inside; an empty list switches them off. Those that are
// [callbacks.Pinned] stay.
func WithCallbacks(list ...callbacks.PipelineCallback) Option {
	return func(u *usage) {
		u.present("WithCallbacks", list)
		u.policy.callbacks = &listening{replace: true, list: list}
	}
}

// AddCallbacks adds callbacks for the step and all that is inside.
func AddCallbacks(list ...callbacks.PipelineCallback) Option {
	return func(u *usage) {
		u.present("AddCallbacks", list)
		l := &listening{list: list}
		if before := u.policy.callbacks; before != nil {
			l.replace = before.replace
			l.list = append(append([]callbacks.PipelineCallback(nil), before.list...), list...)
		}
		u.policy.callbacks = l
	}
}

// present says which callbacks of an option are nil.
func (u *usage) present(option string, list []callbacks.PipelineCallback) {
	for i, cb := range list {
		if cb == nil {
			u.addf("callback %d of %s is nil; leave it out", i+1, option)
		}
	}
}

// ContinueOnError lets a map run all its items, whatever fails. What depends on
// the map runs too, with the results that there are and the zero value for
// items that failed. In the end Run returns its result together with the
// failures, as [ItemsError].
func ContinueOnError() Option { return func(u *usage) { u.policy.tolerant = true } }

// kept returns nil for a policy that says nothing, as most do.
func (p policy) kept() *policy {
	if p == (policy{}) {
		return nil
	}
	said := p
	return &said
}

// valueOf undoes kept.
func valueOf(p *policy) policy {
	if p == nil {
		return policy{}
	}
	return *p
}

// over returns p where it says something, and base elsewhere.
func (p policy) over(base policy) policy {
	if p.retry == nil {
		p.retry = base.retry
	}
	if p.timeout == nil {
		p.timeout = base.timeout
	}
	if p.cache == nil {
		p.cache = base.cache
	}
	if p.concurrency == nil {
		p.concurrency = base.concurrency
	}
	if p.runner == nil {
		p.runner = base.runner
	}
	switch {
	case p.callbacks == nil:
		p.callbacks = base.callbacks
	case !p.callbacks.replace && base.callbacks != nil:
		p.callbacks = &listening{base.callbacks.replace, slices.Concat(base.callbacks.list, p.callbacks.list)}
	}
	p.tolerant = p.tolerant || base.tolerant
	return p
}

// guard is what must happen around the function of a node or item.
type guard struct {
	retry   *Retry // nil: one attempt
	timeout time.Duration
	cache   *caching // nil: off
}

// guard returns what p asks for, or nil.
func (p policy) guard() *guard {
	var g guard
	if p.retry != nil && p.retry.Attempts > 1 {
		g.retry = p.retry
	}
	if p.timeout != nil {
		g.timeout = *p.timeout
	}
	if p.cache != nil && p.cache.on {
		g.cache = p.cache
	}
	if g == (guard{}) {
		return nil
	}
	needed := g // only what is needed is allocated
	return &needed
}

// limit returns the bound of a map, or 0.
func (p policy) limit() int {
	switch {
	case p.sequential():
		return 1
	case p.concurrency != nil:
		return *p.concurrency
	default:
		return 0
	}
}

func (p policy) sequential() bool { return p.runner != nil && *p.runner == Sequential() }
