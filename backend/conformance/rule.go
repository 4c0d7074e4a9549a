package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Rule is something that every backend does, or does not do.
type Rule struct {
	// ID names the rule. It stays as it is.
	ID string `json:"id"`
	// Area is what the rule is about.
	Area string `json:"area"`
	// Text is the rule, as one sentence.
	Text string `json:"rule"`
	// Process says that the rule is one of processes, and is checked with one.
	Process bool `json:"-"`

	// beside says that the check waits for long, and goes on beside those of others.
	beside bool
	check  func(ctx context.Context, t *Target) error
}

// Rules returns the rules in the order in which they are checked.
func Rules() []Rule {
	return slices.Concat(launchRules, describeRules, configureRules, healthRules, batchRules, eventRules, exportRules, sizeRules, sinkRules, endRules)
}

// Outcome is what a check has found.
type Outcome string

const (
	// Passed says that the backend keeps the rule, as far as the check can see.
	Passed Outcome = "passed"
	// Failed says that it does not.
	Failed Outcome = "failed"
	// Skipped says that the rule does not concern the backend, or cannot be checked.
	Skipped Outcome = "skipped"
)

// Result is what the check of a rule has found.
type Result struct {
	Rule

	Outcome Outcome `json:"outcome"`
	// Seen is what was seen that breaks the rule, or why it was not checked.
	Seen string `json:"seen,omitempty"`
	// Took is how long the check took, in nanoseconds.
	Took time.Duration `json:"took_ns"`
}

// skipped is why a rule is not checked.
type skipped struct{ why string }

func (s *skipped) Error() string { return s.why }

func skip(why string) error { return &skipped{why} }

// Check checks one rule, each time with a backend that is newly started. It takes
// about a minute at most when the backend answers nothing.
func (t *Target) Check(ctx context.Context, r Rule) Result {
	began := time.Now()
	res := Result{Rule: r, Outcome: Passed}
	err := t.check(ctx, r)
	var s *skipped
	switch {
	case errors.As(err, &s):
		res.Outcome, res.Seen = Skipped, s.why
	case err != nil:
		res.Outcome, res.Seen = Failed, err.Error()
	}
	res.Took = time.Since(began)
	return res
}

// Start begins the checks that take longest, since they wait, so that they go on
// beside others. It returns a function that checks a rule as [Target.Check] does, or
// waits for the result of a check that has begun, and one that ends what still goes on
// and waits for it. One goroutine at a time may call them.
func (t *Target) Start(ctx context.Context) (check func(Rule) Result, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	begun := map[string]<-chan Result{}
	var all sync.WaitGroup
	for _, r := range Rules() {
		if r.beside {
			found := make(chan Result, 1)
			begun[r.ID] = found
			all.Go(func() { found <- t.Check(ctx, r) })
		}
	}
	check = func(r Rule) Result {
		found, ok := begun[r.ID]
		if !ok {
			return t.Check(ctx, r)
		}
		delete(begun, r.ID)
		return <-found
	}
	return check, func() {
		cancel()
		all.Wait()
	}
}

func (t *Target) check(ctx context.Context, r Rule) (err error) {
	if r.Process && len(t.Command) == 0 {
		return skip("there is no process")
	}
	if !r.Process && t.Dial != nil {
		one := *t
		one.Command = nil
		t = &one
	}
	defer func() {
		if p := recover(); p != nil { // of the author's functions
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.check(ctx, t)
}
