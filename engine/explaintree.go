package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// maxIndent is up to which level lines are indented: deeper ones begin with
	// the number of their level.
	maxIndent = 24
	// maxListed bounds the inputs and types that a line lists.
	maxListed = 8
)

// String returns the mistakes, the defaults and the steps, one a line, indented
// by what they are in:
//
//	fetch  node  Query → []Row  ← input  [timeout 5s (from daily), retry 3 attempts]
func (e *Explanation) String() string {
	var b strings.Builder
	for _, text := range e.errs {
		fmt.Fprintf(&b, "mistake: %s\n", text)
	}
	c := e.config
	fmt.Fprintf(&b, "runner %s, concurrency %d, callbacks %s, cache %s, runs %s\n",
		c.runner, c.concurrency, listed(c.callbacks), or(c.cache, "none"), or(c.runs, "none"))
	levels := make([]int, len(e.steps))
	for i := range e.steps {
		s := &e.steps[i]
		if s.parent >= 0 {
			levels[i] = levels[s.parent] + 1
		}
		if s.wire {
			continue
		}
		b.WriteString(strings.Repeat("  ", min(levels[i], maxIndent)))
		if levels[i] > maxIndent {
			fmt.Fprintf(&b, "(%d) ", levels[i])
		}
		e.line(&b, s)
	}
	return b.String()
}

func (e *Explanation) line(b *strings.Builder, s *explained) {
	if s.role != "" {
		b.WriteString(s.role + " ")
	}
	b.WriteString(printable(s.name) + "  " + s.describe() + "  ")
	switch len(s.in) {
	case 1:
		b.WriteString(s.in[0] + " ")
	case 0:
	default:
		b.WriteString("(" + strings.Join(s.in, ", ") + ") ")
	}
	b.WriteString("→ " + s.out)
	if s.role == "" && s.parent >= 0 && len(s.inputs) > 0 {
		b.WriteString("  ← " + e.sources(s, s.inputs, 0))
	}
	if said := e.options(s); len(said) > 0 {
		b.WriteString("  [" + strings.Join(said, ", ") + "]")
	}
	switch {
	case s.same >= 0:
		b.WriteString("  (inside as in " + e.path(s.same) + ")")
	case s.cut:
		b.WriteString("  (the steps inside are left out)")
	}
	b.WriteByte('\n')
}

// describe returns the kind of a step with what belongs to it.
func (s *explained) describe() string {
	d := s.kind
	if s.of != "" {
		d += " of " + s.of
	}
	if s.bound > 0 {
		d += fmt.Sprintf(" of at most %d rounds", s.bound)
	}
	return d
}

// sources returns where inputs come from, through wiring.
func (e *Explanation) sources(s *explained, inputs []int, within int) string {
	var names []string
	for _, id := range inputs[:min(len(inputs), maxListed)] {
		name := printable(e.steps[id].name)
		switch from := &e.steps[id]; {
		case id == s.parent:
			name = "input"
		case from.wire && within >= 2:
			name = from.kind + "(…)"
		case from.wire:
			name = from.kind + "(" + e.sources(s, from.inputs, within+1) + ")"
		}
		names = append(names, name)
	}
	if more := len(inputs) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// options returns what holds for a step, each with its origin.
func (e *Explanation) options(s *explained) (list []string) {
	add := func(a aspect, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if s.origin[a] != s.id {
			text += " (from " + printable(e.nameOf(s.origin[a])) + ")"
		}
		list = append(list, text)
	}
	p := s.policy
	if p.timeout != nil {
		add(aspectTimeout, "timeout %s", orNone(*p.timeout))
	}
	if p.retry != nil {
		add(aspectRetry, "%s", p.retry.describe())
	}
	if p.cache != nil {
		add(aspectCache, "%s", e.caching(p.cache))
	}
	if s.limited {
		bound := strconv.Itoa(s.items)
		if s.items == 0 {
			bound = "that of the run"
		}
		add(aspectConcurrency, "concurrency %s", bound)
	}
	if p.runner != nil {
		add(aspectRunner, "runner %s", p.runner.name)
	}
	if s.callbacks != nil {
		add(aspectCallbacks, "callbacks %s", listed(s.callbacks))
	}
	if s.tolerant {
		list = append(list, "continue on error")
	}
	return list
}

func (r *Retry) describe() string {
	if r.Attempts <= 1 {
		return "retry none"
	}
	text := fmt.Sprintf("retry %d attempts", r.Attempts)
	if r.Delay > 0 {
		text += fmt.Sprintf(" after %s to %s", r.Delay, r.most())
	}
	if r.Retryable != nil {
		text += " if retryable"
	}
	return text
}

func (e *Explanation) caching(c *caching) string {
	switch store := e.store(c); {
	case !c.on:
		return "cache none"
	case store == "":
		return fmt.Sprintf("cache %q in no store", c.version)
	default:
		return fmt.Sprintf("cache %q in %s", c.version, store)
	}
}

// store returns the type of the store that results are kept in.
func (e *Explanation) store(c *caching) string {
	if c.store != nil {
		return typeName(c.store)
	}
	return e.config.cache
}

// nameOf returns the name of what said something.
func (e *Explanation) nameOf(id int) string {
	if id < 0 {
		return "config"
	}
	return e.steps[id].name
}

// path returns the last parts of the way to a step.
func (e *Explanation) path(id int) string {
	var parts []string
	for ; id >= 0 && len(parts) < maxListed; id = e.steps[id].parent {
		parts = append(parts, printable(e.steps[id].name))
	}
	if id >= 0 {
		parts = append(parts, "…")
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// printable returns a name, quoted if it would not be seen as it is, which is a
// mistake.
func printable(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func listed(names []string) string {
	text := strings.Join(names[:min(len(names), maxListed)], " + ")
	if more := len(names) - maxListed; more > 0 {
		text += fmt.Sprintf(" + %d more", more)
	}
	return or(text, "none")
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func orNone(d time.Duration) string {
	if d <= 0 {
		return "none"
	}
	return d.String()
}
