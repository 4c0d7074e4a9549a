package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// Error says where in a run a failure began. [Pipeline.Run] returns one for
// every failure of a run.
type Error struct {
	// Path is the way from the root pipeline to the step that failed, such as
	// "daily/features/embed[7]".
	Path string
	// Item is the index of the innermost map item around the failure, or -1.
	Item int
	// Attempt is the number of the last attempt, from 1.
	Attempt int
	// Err is what the step returned, or what its panic was made of.
	Err error

	result    callbacks.Result
	tolerated bool // it stopped nothing
}

// Error returns "path: message".
func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// PanicError is a panic in the code of a node, made an error.
type PanicError struct {
	// Value is what the code panicked with.
	Value any
	place string
	stack string
}

// newPanicError must be called by the deferred function that has recovered.
func newPanicError(value any) *PanicError {
	return &PanicError{Value: value, place: panicPlace(), stack: string(debug.Stack())}
}

// panicPlace returns file:line of the code that panicked: the first below the
// runtime's functions that panic.
func panicPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		panicking = panicking || f.Function == "runtime.gopanic"
		if !more {
			return "unknown place"
		}
	}
}

// Error returns the panic's value as text, and the place of the code.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v (%s)", e.Value, e.place) }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Stack returns the stack of the goroutine that panicked.
func (e *PanicError) Stack() string { return e.stack }

// ErrorType returns "panic".
func (e *PanicError) ErrorType() string { return "panic" }

// ItemsError is the Err of the [*Error] of a map that continued on error.
type ItemsError struct {
	// Errors are the failures of the first items that failed, in the order of
	// the items; at most 100.
	Errors []*Error
	// Failed is the number of items that failed, Size that of all items.
	Failed, Size int
}

const (
	maxItemErrors = 100
	maxItemLines  = 10
)

// Error returns the number of failed items, and the first failures, one a line.
func (e *ItemsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d items failed", e.Failed, e.Size)
	for _, one := range e.Errors[:min(len(e.Errors), maxItemLines)] {
		b.WriteString("\n\t" + one.Error())
	}
	if e.Failed > maxItemLines {
		fmt.Fprintf(&b, "\n\tand %d more", e.Failed-maxItemLines)
	}
	return b.String()
}

// Unwrap returns Errors.
func (e *ItemsError) Unwrap() []error {
	list := make([]error, len(e.Errors))
	for i, one := range e.Errors {
		list[i] = one
	}
	return list
}

// ErrorType returns that of the first item that failed.
func (e *ItemsError) ErrorType() string { return callbacks.ErrorType(e.Errors[0].Err) }

// moreError counts failures that a list has no room for.
type moreError int

func (n moreError) Error() string { return fmt.Sprintf("and %d more failures", int(n)) }

// timeoutError is that of an attempt whose time was over.
type timeoutError struct {
	after time.Duration
	err   error // what the function returned; nil when it did not
}

func (e *timeoutError) Error() string {
	s := fmt.Sprintf("timeout after %s", e.after)
	if e.err != nil && e.err != context.DeadlineExceeded { //nolint:errorlint // it alone says nothing more
		s += ": " + e.err.Error()
	}
	return s
}

func (e *timeoutError) Unwrap() []error {
	if e.err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{e.err, context.DeadlineExceeded}
}

// ErrorType returns "timeout".
func (e *timeoutError) ErrorType() string { return "timeout" }

// errGoexit is what a node fails with when its code ends its goroutine.
var errGoexit = errors.New("runtime.Goexit was called; a test must not call FailNow, Fatal or SkipNow in a node")

// errHookGoexit is what a run fails with when a callback ends the goroutine that
// runs the nodes.
var errHookGoexit = errors.New("runtime.Goexit was called in a callback; a test must not call FailNow, Fatal or SkipNow in one")

// itemOf returns the index of the innermost map item around cc, or -1.
func itemOf(cc *callbacks.CallbackContext) int {
	for ; cc != nil; cc = cc.Parent() {
		if cc.Kind() == callbacks.KindMapItem {
			return cc.Index()
		}
	}
	return -1
}
