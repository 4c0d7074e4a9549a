package callbacks_test

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
)

// TestEveryHookHasItsBit calls each method of Funcs and Multi, found by
// reflection, so that a new hook cannot be forgotten in any of them.
func TestEveryHookHasItsBit(t *testing.T) {
	t.Parallel()
	iface := reflect.TypeFor[callbacks.PipelineCallback]()
	_, _, _, _, cc := scopes(callbacks.RunConfig{})
	var all callbacks.Hook
	for m := range iface.Methods() {
		called := 0
		var f callbacks.Funcs
		field := reflect.ValueOf(&f).Elem().FieldByName(strings.TrimPrefix(m.Name, "On"))
		if !field.IsValid() {
			t.Errorf("Funcs has no field for %s", m.Name)
			continue
		}
		field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value { called++; return nil }))
		args := []reflect.Value{reflect.ValueOf(cc), reflect.Zero(m.Type.In(1))}
		multi := callbacks.Multi(callbacks.Funcs{}, f, nil, callbacks.Base{})
		reflect.ValueOf(f).MethodByName(m.Name).Call(args)
		reflect.ValueOf(multi).MethodByName(m.Name).Call(args)
		reflect.ValueOf(callbacks.Funcs{}).MethodByName(m.Name).Call(args)
		if called != 2 {
			t.Errorf("%s was called %d times, want 2", m.Name, called)
		}
		hook := f.Hooks() &^ callbacks.Times
		if hook.String() != m.Name || all&hook != 0 {
			t.Errorf("%s has the bit of %s", m.Name, hook)
		}
		all |= hook
	}
	if all|callbacks.Times != callbacks.AllHooks {
		t.Errorf("AllHooks is %s", callbacks.AllHooks)
	}
}

// counting hears one hook, as fields of a Funcs, and counts its calls.
func counting(m reflect.Method, called func()) callbacks.Funcs {
	var f callbacks.Funcs
	field := reflect.ValueOf(&f).Elem().FieldByName(strings.TrimPrefix(m.Name, "On"))
	field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value { called(); return nil }))
	return f
}

// TestPanicKeepsNothingFromOthers has callbacks panic between others in each hook.
func TestPanicKeepsNothingFromOthers(t *testing.T) {
	t.Parallel()
	_, _, _, _, cc := scopes(callbacks.RunConfig{})
	for m := range reflect.TypeFor[callbacks.PipelineCallback]().Methods() {
		var calls string
		say := func(what string) callbacks.Funcs { return counting(m, func() { calls += what }) }
		bad := func(what string) callbacks.Funcs { return counting(m, func() { calls += what; panic("hook") }) }
		multi := callbacks.Multi(bad("a"), say("b"), callbacks.Funcs{}, bad("c"), bad("d"), say("e"), bad("f"))
		call := reflect.ValueOf(multi).MethodByName(m.Name)
		args := []reflect.Value{reflect.ValueOf(cc), reflect.Zero(m.Type.In(1))}
		call.Call(args)
		call.Call(args)
		if calls != "abcdefabcdef" {
			t.Errorf("%s: %s are called", m.Name, calls)
		}
	}
}

func TestInterest(t *testing.T) {
	t.Parallel()
	end := callbacks.Funcs{NodeEnd: func(*callbacks.CallbackContext, callbacks.NodeEnd) {}}
	if got := callbacks.Interest(callbacks.Base{}); got != callbacks.AllHooks {
		t.Error(got)
	}
	if got := callbacks.Interest(callbacks.Multi(end, callbacks.Funcs{})); got != callbacks.HookNodeEnd|callbacks.Times {
		t.Error(got)
	}
	if got := callbacks.Interest(callbacks.Multi()); got != 0 {
		t.Error(got)
	}
}

type typed struct{ error }

func (typed) ErrorType() string { return "quota" }

func TestErrorType(t *testing.T) {
	t.Parallel()
	plain := errors.New("x")
	for want, err := range map[string]error{
		"":                    nil,
		"*errors.errorString": fmt.Errorf("wrapped: %w", plain),
		"syscall.Errno":       fmt.Errorf("wrapped: %w", &fs.PathError{Err: syscall.ENOENT}),
		"quota":               fmt.Errorf("wrapped: %w", typed{plain}),
	} {
		if got := callbacks.ErrorType(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

type values []any

func (v values) Len(int32) int         { return len(v) }
func (v values) At(_ int32, i int) any { return v[i] }
func of(list ...any) callbacks.Values  { return callbacks.NewValues(values(list), 0) }
func jsonOf(v any, limit int) string   { return of(v).JSON(0, limit) }

func TestValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{jsonOf([]int{1, 2, 3}, 7), "[1,2,3]"},
		{jsonOf([]int{1, 2, 3}, 6), "[1,..."},
		{jsonOf("äöü", 6), `"ä...`},
		{jsonOf("äöü", 5), `"...`},
		{jsonOf("abc", 2), `..`},
		{jsonOf(make(chan int), 100), "<unserializable: chan int>"},
		{jsonOf(nil, 100), "null"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
	list := []int{1}
	c, err := of(list).Copy(0)
	if err != nil {
		t.Fatal(err)
	}
	c.([]int)[0] = 2
	if list[0] != 1 || of(list).Len() != 1 || of(list).Shared(0).([]int)[0] != 1 {
		t.Error("the copy is not a copy")
	}
	if _, err := of(func() {}).Copy(0); err == nil || !strings.HasPrefix(err.Error(), "copy func(): ") {
		t.Error(err)
	}
	if (callbacks.Values{}).Len() != 0 {
		t.Error("the zero Values holds something")
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	n := &callbacks.Node{PC: reflect.ValueOf(TestSource).Pointer()}
	s := n.Source()
	if !strings.HasSuffix(s.Function, ".TestSource") || !strings.HasSuffix(s.File, "callback_test.go") || s.Line == 0 {
		t.Errorf("%+v", s)
	}
	known := callbacks.Source{Function: "f", File: "g.go", Line: 3}
	if got := (&callbacks.Node{Code: known}).Source(); got != known {
		t.Errorf("%+v", got)
	}
}
