package engine

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/spanloom/spanloom/callbacks"
)

// Step is a unit of work that takes an I and gives an O: a node, a branch, a
// loop, a gate or a whole pipeline. It is a value: made once, used in any number of pipelines and runs.
//
// Only this package implements Step.
type Step[I, O any] interface {
	// Name is the step's name, and its node's name unless [WithName] says
	// otherwise.
	Name() string

	seal(in I) O // mentions both types, so that they can be inferred
	erase() *step
}

// Step0 is a step without input.
type Step0[O any] interface {
	Name() string
	seal0() O
	erase() *step
}

// Step2 is a step with two inputs.
type Step2[A, B, O any] interface {
	Name() string
	seal2(a A, b B) O
	erase() *step
}

// Step3 is a step with three inputs.
type Step3[A, B, C, O any] interface {
	Name() string
	seal3(a A, b B, c C) O
	erase() *step
}

// Step4 is a step with four inputs. For more, take a struct.
type Step4[A, B, C, D, O any] interface {
	Name() string
	seal4(a A, b B, c C, d D) O
	erase() *step
}

// step is a step with its types erased.
type step struct {
	info     *callbacks.Node
	problems problems // the mistakes that were made when the step was made
	policy   *policy  // nil: nothing was said
	ins      []columnKind
	out      columnKind
	gated    bool // it may stop the pipeline that it is in
	deep     int  // of a branch or loop: how deep other steps are nested in it

	// One of these:

	call     call        // of a node,
	fn       any         // and its typed function, for maps
	pipeline *definition // of a pipeline
	branch   *branching
	loop     *looping
	paired   *paired
}

// problems are mistakes in the making of one step.
type problems []string

// addf adds a mistake.
func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// add adds a mistake, unless it is "".
func (p *problems) add(problem string) {
	if problem != "" {
		*p = append(*p, problem)
	}
}

func (s *step) Name() string { return s.info.Name }
func (s *step) erase() *step { return s }

// function returns the typed function of a node, as a map calls it; nil for
// other steps.
func (s *step) function() any {
	switch {
	case s.call == nil:
		return nil
	case s.paired != nil:
		return s.paired.fn
	default:
		return s.fn
	}
}

// configure takes what options say of the step itself.
func (s *step) configure(opts []Option) *step {
	u := apply(opts, s.info.Name)
	s.policy = u.policy.kept()
	s.info.Version = u.version
	if u.label != nil {
		s.problems.add("engine.WithLabel is for the place of a map; give it to Map")
	}
	if u.version != "" && s.pipeline == nil {
		s.problems.add("engine.WithVersion is for pipelines; give it to Define")
	}
	if u.name != s.info.Name {
		s.problems.add("engine.WithName is for the place where the step is used; give the step its name where it is made")
	}
	if u.policy.tolerant {
		s.problems.add("engine.ContinueOnError is for the place of a map; give it to Map")
	}
	s.problems = append(s.problems, u.problems...)
	return s
}

// newStep describes a step with the function fn of the user.
func newStep(name, kind string, fn any) *step {
	f := reflect.ValueOf(fn)
	both := &struct { // one allocation
		step
		info callbacks.Node
	}{info: callbacks.Node{Name: name, Type: kind, Signature: f.Type().String(), PC: f.Pointer()}}
	s := &both.step
	s.info, s.fn = &both.info, fn
	s.problems.add(badName(name))
	if f.IsNil() {
		s.problems.add("the function is nil")
	}
	return s
}

// maxName bounds a name in bytes: it is in every path below it.
const maxName = 200

// isPlain reports whether a name has nothing but letters, digits, - and _.
func isPlain(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// badName says what is wrong with a name that would make a path ambiguous or a
// line unreadable.
func badName(name string) string {
	switch {
	case name == "":
		return "the name is empty"
	case len(name) > maxName:
		return fmt.Sprintf("the name is longer than %d bytes", maxName)
	case isPlain(name):
		return ""
	case strings.TrimSpace(name) != name:
		return "the name begins or ends with a space"
	case strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune("/[]#", r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar
	}):
		return "the name has a character that is not allowed; leave out / [ ] # and what cannot be printed"
	default:
		return ""
	}
}
