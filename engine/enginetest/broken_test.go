package enginetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// saboteur passes the events on, but for what is wrong with it.
type saboteur struct {
	callbacks.PipelineCallback

	node    func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.NodeEnd)
	start   func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.NodeStart)
	cached  func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.NodeCached)
	mapEnd  func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.MapEnd)
	failure func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.Failure)
}

func (s *saboteur) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	if s.node == nil {
		s.PipelineCallback.OnNodeEnd(cc, ev)
		return
	}
	s.node(s.PipelineCallback, cc, ev)
}

func (s *saboteur) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	if s.start == nil {
		s.PipelineCallback.OnNodeStart(cc, ev)
		return
	}
	s.start(s.PipelineCallback, cc, ev)
}

func (s *saboteur) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	if s.cached == nil {
		s.PipelineCallback.OnNodeCached(cc, ev)
		return
	}
	s.cached(s.PipelineCallback, cc, ev)
}

func (s *saboteur) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	if s.mapEnd == nil {
		s.PipelineCallback.OnMapEnd(cc, ev)
		return
	}
	s.mapEnd(s.PipelineCallback, cc, ev)
}

func (s *saboteur) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	if s.failure == nil {
		s.PipelineCallback.OnError(cc, ev)
		return
	}
	s.failure(s.PipelineCallback, cc, ev)
}

// telling is a runner that tells what it does in a wrong way.
func telling(s saboteur) Target {
	return func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
		with := s
		with.PipelineCallback = cfg.Callbacks[0]
		cfg.Callbacks = []callbacks.PipelineCallback{&with}
		return c.Run(ctx, cfg)
	}
}

// returning is a runner that returns something else.
func returning(change func(result []byte, err error) ([]byte, error)) Target {
	return func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
		return change(c.Run(ctx, cfg))
	}
}

// other is a callbacks.ValueSource.
type other struct{}

func (other) Len(int32) int     { return 1 }
func (other) At(int32, int) any { return "other" }

// moved returns a context like cc elsewhere.
func moved(cc, parent *callbacks.CallbackContext, change func(*callbacks.Scope)) *callbacks.CallbackContext {
	s := callbacks.Scope{Kind: cc.Kind(), Node: cc.Node(), Index: int32(cc.Index()), Iteration: int32(cc.Iteration()), Attempt: uint16(cc.Attempt())}
	if change != nil {
		change(&s)
	}
	c := &callbacks.CallbackContext{}
	parent.Begin(c, s)
	return c
}

// elsewhere tells of nodes with another context.
func elsewhere(place func(*callbacks.CallbackContext) *callbacks.CallbackContext) Target {
	at := map[*callbacks.CallbackContext]*callbacks.CallbackContext{} // the cases run one after another
	return telling(saboteur{
		start: func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
			at[cc] = place(cc)
			pass.OnNodeStart(at[cc], ev)
		},
		node: func(pass callbacks.PipelineCallback, cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
			pass.OnNodeEnd(at[cc], ev)
		},
	})
}

// TestBrokenRunnersFail breaks the local runner in one way at a time.
func TestBrokenRunnersFail(t *testing.T) {
	t.Parallel()
	type pass = callbacks.PipelineCallback
	type cc = *callbacks.CallbackContext
	for _, tt := range []struct {
		name, in string
		target   Target
		want     string
	}{
		{"another result", "chain", returning(func([]byte, error) ([]byte, error) { return []byte("9"), nil }), "+ result 9"},
		{"no result", "chain", returning(func([]byte, error) ([]byte, error) { return nil, nil }), "- result 8"},
		{"an error of its own", "chain", returning(func(r []byte, _ error) ([]byte, error) { return r, errBroken }), `+ error *errors.errorString "broken"`},
		{"the error is lost", "error", returning(func(r []byte, _ error) ([]byte, error) { return r, nil }), `- error *errors.errorString "p/broken: broken"`},
		{"another message", "error", returning(func(r []byte, err error) ([]byte, error) { return r, fmt.Errorf("run: %w", err) }), `+ error *errors.errorString "run: p/broken: broken"`},
		{"the error's type is lost", "error with a type of its own", returning(func(r []byte, err error) ([]byte, error) { return r, errors.New(err.Error()) }), `+ error *errors.errorString "p/ask`},
		{"what the error wraps is lost", "error", returning(func(r []byte, err error) ([]byte, error) {
			return r, &engine.Error{Path: "p/broken", Item: -1, Attempt: 1, Err: errors.New("broken")}
		}), `the error is not "broken" in the sense of errors.Is`},
		{"another path", "error", returning(func(r []byte, err error) ([]byte, error) {
			return r, &engine.Error{Path: "broken", Item: -1, Attempt: 1, Err: errBroken}
		}), "- " + "  at p/broken, item -1, attempt 1"},
		{"another item", "retry of an item that is exhausted", returning(func(r []byte, err error) ([]byte, error) {
			return r, &engine.Error{Path: "p/flaky[0]", Item: 1, Attempt: 2, Err: errBroken}
		}), "+ " + "  at p/flaky[0], item 1, attempt 2"},
		{"partial results are lost", "continue on error", returning(func(_ []byte, err error) ([]byte, error) { return []byte("null"), err }), "+ result null"},
		{"it runs again", "error", func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
			_, _ = c.Run(ctx, cfg)
			return c.Run(ctx, cfg)
		}, "is run more often than it should be"},
		{"it never runs", "chain", func(context.Context, *Case, engine.Config) ([]byte, error) { return []byte("8"), nil }, "- pipeline p: start(3)"},
		{"it forgets the cache", "cache miss, then hit", func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
			cfg.Cache = nil
			return c.Run(ctx, cfg)
		}, "-   node inc: cached(2)"},
		{"another attempt count", "retry that succeeds", telling(saboteur{node: func(p pass, cc cc, ev callbacks.NodeEnd) {
			ev.Attempts = 1
			p.OnNodeEnd(cc, ev)
		}}), "rule 10: node p/flaky: ended with 1 attempts"},
		{"another input", "chain", telling(saboteur{start: func(p pass, cc cc, ev callbacks.NodeStart) {
			ev.Inputs = callbacks.NewValues(other{}, 0)
			p.OnNodeStart(cc, ev)
		}}), `+   node inc: start("other")`},
		{"another output", "chain", telling(saboteur{node: func(p pass, cc cc, ev callbacks.NodeEnd) {
			ev.Outputs = callbacks.NewValues(other{}, 0)
			p.OnNodeEnd(cc, ev)
		}}), `+   node inc: start(3) end(success "other")`},
		{"no output", "chain", telling(saboteur{node: func(p pass, cc cc, ev callbacks.NodeEnd) {
			ev.Outputs = callbacks.Values{}
			p.OnNodeEnd(cc, ev)
		}}), `+   node inc: start(3) end(success)`},
		{"another parent", "nested", elsewhere(func(cc cc) cc { return moved(cc, cc.Root(), nil) }), "-       node double: start(3)"},
		{"another name", "chain", elsewhere(func(cc cc) cc {
			return moved(cc, cc.Parent(), func(s *callbacks.Scope) { s.Node = &callbacks.Node{Name: "n" + cc.Name()} })
		}), "+   node ninc: start(3)"},
		{"the round is lost", "loop of one round", elsewhere(func(cc cc) cc {
			return moved(cc, cc.Parent(), func(s *callbacks.Scope) { s.Iteration = 0 })
		}), "-     node double #1: start(6)"},
		{"an attempt for a node", "chain", elsewhere(func(cc cc) cc {
			return moved(cc, cc.Parent(), func(s *callbacks.Scope) { s.Attempt = 2 })
		}), "+   node inc attempt=2: start(3)"},
		{"the cached mark is lost", "cache miss, then hit", telling(saboteur{cached: func(p pass, cc cc, ev callbacks.NodeCached) {
			p.OnNodeStart(cc, callbacks.NodeStart{})
			p.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Attempts: 1, Outputs: ev.Outputs})
		}}), "-   node inc: cached(2)"},
		{"the look-up is lost", "cache bypass", telling(saboteur{start: func(p pass, cc cc, ev callbacks.NodeStart) {
			ev.Cache = nil
			p.OnNodeStart(cc, ev)
		}}), "-   node seal: start(bypass 1)"},
		{"another count", "map of a node", telling(saboteur{mapEnd: func(p pass, cc cc, ev callbacks.MapEnd) {
			ev.Succeeded, ev.Skipped = 2, 1
			p.OnMapEnd(cc, ev)
		}}), "rule 5: map p/inc: counts 2 ok"},
		{"another message told", "error", telling(saboteur{node: func(p pass, cc cc, ev callbacks.NodeEnd) {
			if ev.Err != nil {
				ev.Err = errors.New("failed")
			}
			p.OnNodeEnd(cc, ev)
		}}), `end(failure *errors.errorString "failed" origin)`},
		{"another result told", "timeout", telling(saboteur{failure: func(p pass, cc cc, ev callbacks.Failure) {
			ev.Result = callbacks.ResultFailure
			p.OnError(cc, ev)
		}}), "rule 7: node p/sleeper: OnError with failure"},
		{"a cancelled node called failed", "error beside a node", telling(saboteur{node: func(p pass, cc cc, ev callbacks.NodeEnd) {
			if ev.Result == callbacks.ResultCancellation {
				ev.Result, ev.Origin = callbacks.ResultFailure, true
				p.OnError(cc, callbacks.Failure{Err: ev.Err, Result: ev.Result})
			}
			p.OnNodeEnd(cc, ev)
		}}), "-   node waits: start(3) end(cancellation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := find(t, tt.in).Check(t.Context(), tt.target)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant %s", err, tt.want)
			}
		})
	}
}

func find(t *testing.T, name string) *Case {
	t.Helper()
	for _, c := range Cases() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no case %q", name)
	return nil
}

// repeating passes each event of one hook on so many times.
func repeating(t *testing.T, h string, times int) Target {
	t.Helper()
	return func(ctx context.Context, c *Case, cfg engine.Config) ([]byte, error) {
		to := reflect.ValueOf(cfg.Callbacks[0])
		var f callbacks.Funcs
		fields := reflect.ValueOf(&f).Elem()
		for i := range fields.NumField() {
			name := fields.Type().Field(i).Name
			method := to.MethodByName("On" + name)
			fields.Field(i).Set(reflect.MakeFunc(method.Type(), func(args []reflect.Value) []reflect.Value {
				n := 1
				if name == h {
					n = times
				}
				for range n {
					method.Call(args)
				}
				return nil
			}))
		}
		cfg.Callbacks = []callbacks.PipelineCallback{f}
		return c.Run(ctx, cfg)
	}
}

// TestEveryHookIsCompared has runners that drop or double all events of a hook.
func TestEveryHookIsCompared(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[callbacks.Funcs]()
	for field := range fields.Fields() {
		hook := field.Name
		if hook == "Crashed" {
			continue // of the store of runs, and the same whatever runs the steps
		}
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			for _, times := range []int{0, 2} {
				found := 0
				for _, c := range Cases() {
					if c.Check(t.Context(), repeating(t, hook, times)) != nil {
						found++
					}
				}
				if found == 0 {
					t.Errorf("%d times instead of once: no case found it", times)
				}
			}
		})
	}
	for _, c := range Cases() {
		if err := c.Check(t.Context(), repeating(t, "", 1)); err != nil {
			t.Errorf("%s: nothing is wrong, but: %v", c.Name, err)
		}
	}
}

func TestEveryCaseIsExpectedOnce(t *testing.T) {
	t.Parallel()
	want := expected()
	for _, c := range Cases() {
		if _, ok := want[c.Name]; !ok {
			t.Errorf("%q has no expectation, or its name is used twice", c.Name)
		}
		delete(want, c.Name)
	}
	for name := range want {
		t.Errorf("expected.txt has %q, but there is no such case", name)
	}
	c := find(t, "chain")
	c.Name = "unknown"
	if err := c.Check(t.Context(), sequential); err == nil || !strings.Contains(err.Error(), `the case "unknown" expects nothing`) {
		t.Error(err)
	}
}
