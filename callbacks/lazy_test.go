package callbacks_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"unsafe"

	"github.com/spanloom/spanloom/callbacks"
)

// TestLazyContext compares a lazy context with what Begin makes.
func TestLazyContext(t *testing.T) {
	t.Parallel()
	_, _, item, _, leaf := scopes(callbacks.RunConfig{})
	for _, want := range []*callbacks.CallbackContext{item, leaf} {
		var lazy callbacks.LazyContext
		want.Parent().BeginLazy(&lazy, want.Node(), int32(want.Index()))
		if fmt.Sprint(&lazy) != want.Path() {
			t.Errorf("it prints as %q", fmt.Sprint(&lazy))
		}
		cc := callbacks.FromContext(&lazy)
		if cc.Path() != want.Path() || cc.SpanID() != want.SpanID() || cc.ParentSpanID() != want.ParentSpanID() ||
			cc.Kind() != want.Kind() || cc.Index() != want.Index() || cc.Attempt() != 1 || cc.Depth() != want.Depth() {
			t.Errorf("%v is not as %v", cc, want)
		}
		type key struct{}
		around, cancel := context.WithCancel(context.WithValue(&lazy, key{}, 1))
		defer cancel()
		if callbacks.FromContext(around) != cc {
			t.Error("a context made of it leads to another CallbackContext")
		}
	}
}

// TestLazyContextBecomesOne has many ask at once.
func TestLazyContextBecomesOne(t *testing.T) {
	t.Parallel()
	root, _, _, _, leaf := scopes(callbacks.RunConfig{})
	for range 100 {
		var lazy callbacks.LazyContext
		root.BeginLazy(&lazy, leaf.Node(), -1)
		var all [4]*callbacks.CallbackContext
		var asked sync.WaitGroup
		for i := range all {
			asked.Go(func() { all[i] = callbacks.FromContext(&lazy) })
		}
		asked.Wait()
		for _, cc := range all {
			if cc == nil || cc != all[0] {
				t.Fatal("there are several")
			}
		}
	}
}

// TestLazyContextAsksTheBase has a base that has ended, and knows a value.
func TestLazyContextAsksTheBase(t *testing.T) {
	t.Parallel()
	type key struct{}
	base, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "known"))
	root := callbacks.NewRun(base, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	var lazy callbacks.LazyContext
	root.BeginLazy(&lazy, &callbacks.Node{Name: "n"}, -1)
	if lazy.Err() != nil || lazy.Value(key{}) != "known" || lazy.Value("other") != nil {
		t.Error(lazy.Err(), lazy.Value(key{}))
	}
	if _, ok := lazy.Deadline(); ok {
		t.Error("it has a deadline")
	}
	cancel()
	<-lazy.Done()
	if lazy.Err() == nil {
		t.Error("it has not ended with its base")
	}
}

// TestLazyContextAnswers has a callback that answers for the scope.
func TestLazyContextAnswers(t *testing.T) {
	t.Parallel()
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		Pipeline: &callbacks.Node{Name: "p"}, Values: []callbacks.ContextValue{pathValue{}},
	})
	var lazy callbacks.LazyContext
	root.BeginLazy(&lazy, &callbacks.Node{Name: "n"}, -1)
	if got := lazy.Value(pathValue{}); got != "p/n" {
		t.Errorf("the callback was asked for %v", got)
	}
}

// pathValue answers with the path of the scope.
type pathValue struct{}

func (pathValue) ContextValue(cc *callbacks.CallbackContext, key any) any {
	if key == (pathValue{}) {
		return cc.Path()
	}
	return nil
}

// TestALazyContextIsSmall is why there are any.
func TestALazyContextIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(callbacks.LazyContext{}); size > 4*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("%d bytes", size)
	}
}
