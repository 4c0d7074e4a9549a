package enginetest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// Target runs one case: it changes cfg as it must, to choose the runner for
// example, and returns what [Case.Run] returns. The callbacks and the cache of
// cfg belong to the check.
type Target func(ctx context.Context, c *Case, cfg engine.Config) (result []byte, err error)

// Ability is something that a runner may be unable to do.
type Ability uint

// The abilities.
const (
	// Parallel is to run two nodes, or two items of a map, at the same time.
	Parallel Ability = 1 << iota
	// Goexit is to survive a node that ends its goroutine.
	Goexit
)

// Run checks each case as a subtest, but those that need an ability that the
// target is without.
func Run(t *testing.T, target Target, without ...Ability) {
	t.Helper()
	var missing Ability
	for _, a := range without {
		missing |= a
	}
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.needs&missing != 0 {
				t.Skip("the runner is not able to do this")
			}
			if err := c.Check(t.Context(), target); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check says what is wrong with the way in which target runs the case; nil when
// nothing is.
func (c *Case) Check(ctx context.Context, target Target) error {
	got, err := c.perform(ctx, target)
	want, ok := expected()[c.Name]
	if !ok {
		return errors.Join(err, fmt.Errorf("the case %q expects nothing; it should be\n%s", c.Name, got))
	}
	if got != want {
		err = errors.Join(err, fmt.Errorf("not as expected: - is missing, + should not be\n%s", difference(want, got)))
	}
	return err
}

// perform runs the case and returns what happened, in the form of expected.
func (c *Case) perform(ctx context.Context, target Target) (string, error) {
	var b strings.Builder
	var errs []error
	store := &shelf{}
	for pass := range c.passes {
		if pass > 0 {
			b.WriteString("again\n")
		}
		w := &witness{}
		result, err := c.attempt(ctx, target, engine.Config{Callbacks: []callbacks.PipelineCallback{w}, Cache: store})
		if !c.silent {
			c.outcome(&b, result, err)
		}
		for _, want := range c.is {
			if !errors.Is(err, want) {
				errs = append(errs, fmt.Errorf("the error is not \"%w\" in the sense of errors.Is: %w", want, err))
			}
		}
		b.WriteString(w.tree())
		errs = append(errs, callbacktest.Check(w.Events()))
	}
	close(c.stage.over)
	other := c.stage.other
	if heard := other.tree(); heard != "" {
		b.WriteString("heard by the other\n" + heard)
	}
	errs = append(errs, callbacktest.Check(other.Events()))
	return b.String(), errors.Join(errs...)
}

// attempt runs the case once, on a goroutine that it may end.
func (c *Case) attempt(ctx context.Context, target Target, cfg engine.Config) (result []byte, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.stage.cancel = cancel
	if c.around != nil {
		var end context.CancelFunc
		ctx, end = c.around(ctx)
		defer end()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		result, err = target(ctx, c, cfg)
	}()
	<-done
	return result, err
}

// outcome writes what Run returned. A result beside an error counts only when
// the error is one that leaves it usable.
func (c *Case) outcome(b *strings.Builder, result []byte, err error) {
	var items *engine.ItemsError
	if err == nil || errors.As(err, &items) {
		fmt.Fprintf(b, "result %s\n", bytes.TrimSpace(result))
	}
	if err == nil {
		return
	}
	fmt.Fprintf(b, "error %s\n", failure(err))
	if e, ok := errors.AsType[*engine.Error](err); ok {
		fmt.Fprintf(b, "  at %s, item %d, attempt %d\n", e.Path, e.Item, e.Attempt)
	}
}

//go:embed expected.txt
var expectedText string

// expected returns what is expected, by the name of the case.
func expected() map[string]string {
	all := map[string]string{}
	for part := range strings.SplitSeq("\n"+expectedText, "\n-- ") {
		if name, text, ok := strings.Cut(part, " --\n"); ok {
			all[name] = strings.TrimRight(text, "\n") + "\n"
		}
	}
	return all
}

// difference returns the lines of both texts, with marks at those that only one
// of them has.
func difference(want, got string) string {
	a, b := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	common := make([][]int, len(a)+1) // the length of the longest common part of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, line := range slices.Backward(a) {
		for j, other := range slices.Backward(b) {
			if line == other {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out.WriteString("  " + a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out.WriteString("- " + a[i])
			i++
		default:
			out.WriteString("+ " + b[j])
			j++
		}
	}
	return out.String()
}
