package console

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

// maxSilence is how long a run may keep others from being printed while it says
// nothing itself.
const maxSilence = 10 * time.Second

// instance is an open console. The lock makes it a callback for several
// goroutines too.
type instance struct {
	callbacks.Base

	output  io.Writer
	verbose bool
	now     func() time.Time

	mu     sync.Mutex
	layout layout
	tree   *tree
	runs   *runs
	err    error // of the output, since the last Flush
}

var _ backend.Instance = (*instance)(nil)

func newInstance(out io.Writer, l layout, verbose bool, now func() time.Time) *instance {
	t := newTree(l)
	return &instance{
		output: out, verbose: verbose, now: now, layout: l, tree: t,
		runs: &runs{tree: t, byKey: map[runKey]*run{}},
	}
}

// Flush reports what went wrong with the output since the last Flush.
func (in *instance) Flush(context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.unblock()
	in.print()
	return in.failure()
}

// Close prints what waits, and which runs are still open.
func (in *instance) Close(context.Context) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.runs.order) > 0 {
		r := in.runs.order[0]
		in.runs.end(r, in.runs.lost(r))
	}
	in.print()
	return in.failure()
}

func (in *instance) failure() error {
	err := in.err
	in.err = nil
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// unblock gives the focus to the next run when the one that has it is silent.
func (in *instance) unblock() {
	top := in.tree.top
	if top.focus == nil || len(top.open)+len(top.pending) == 0 {
		return
	}
	for _, r := range in.runs.order {
		if r.root == top.focus && in.now().Sub(r.last) > maxSilence {
			in.tree.yield(top)
			return
		}
	}
}

// print hands what is ready to the output.
func (in *instance) print() {
	if in.tree.out.Len() == 0 {
		return
	}
	if _, err := io.WriteString(in.output, in.tree.out.String()); err != nil && in.err == nil {
		in.err = err
	}
	in.tree.out.Reset()
}

// begin locks and returns the run of cc.
func (in *instance) begin(cc *callbacks.CallbackContext) *run {
	in.mu.Lock()
	r := in.runs.of(cc)
	r.last = in.now()
	return r
}

// done prints and unlocks. Defer it.
func (in *instance) done() {
	in.print()
	in.mu.Unlock()
}

func itoa(n int) string { return strconv.Itoa(n) }
