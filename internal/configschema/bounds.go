package configschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// MaxBytes is the most that the schema of a config may have.
	MaxBytes = 256 << 10

	// The time to compile a schema grows with the square of its values, and with a
	// higher power of its depth.
	maxDepth  = 64
	maxValues = 5000
	// maxExponent bounds numbers, which the library writes out as fractions.
	maxExponent = 400
	maxDigits   = 100
	// maxPatterns bounds the patterns of a schema together, in characters with their
	// repetitions. One takes half a KiB.
	maxPatterns = 100_000
	// maxSteps is how often a check may apply a schema to a value, and more for patterns.
	// One takes up to a KiB.
	maxSteps = 50_000
)

const advice = ", and check the rest in Open"

// bounded says why a schema is too large.
func bounded(bytes int, text any) error {
	if bytes > MaxBytes {
		return fmt.Errorf("it has %d bytes, and may have %d; make it smaller%s", bytes, MaxBytes, advice)
	}
	n := 0
	var visit func(v any, depth int) error
	visit = func(v any, depth int) error {
		if n++; n > maxValues {
			return fmt.Errorf("it has more than %d values; make it smaller%s", maxValues, advice)
		}
		if depth > maxDepth {
			return fmt.Errorf("it is nested deeper than %d levels; make it flatter, with $defs%s", maxDepth, advice)
		}
		switch v := v.(type) {
		case map[string]any:
			for _, part := range v {
				if err := visit(part, depth+1); err != nil {
					return err
				}
			}
		case []any:
			for _, part := range v {
				if err := visit(part, depth+1); err != nil {
					return err
				}
			}
		case json.Number:
			if !moderate(v) {
				return errors.New("it has a number that is too large, or too long; write one that a float64 has room for")
			}
		}
		return nil
	}
	return visit(text, 0)
}

// moderate reports whether a number is as near to 1 as those of computers are.
func moderate(n json.Number) bool {
	_, exponent, has := strings.Cut(strings.ToLower(n.String()), "e")
	if !has {
		return len(n) <= maxDigits
	}
	e, err := strconv.Atoi(exponent)
	return err == nil && len(n) <= maxDigits && -maxExponent <= e && e <= maxExponent
}

// work is what compiling a schema, or a check, has cost so far.
type work struct {
	steps, patterns int
	fault           error // that a bound was reached
}

// watch counts what a compiler and its schemas cost.
func (w *work) watch(c *jsonschema.Compiler) {
	c.UseRegexpEngine(w.pattern)
	c.AssertVocabs()
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: "urn:spanloom:bounded", Compile: w.count})
}

// count has each schema counted when it is applied to a value. Of its rules the format
// is asked for before any that leads to other schemas.
func (w *work) count(ctx *jsonschema.CompilerContext, _ map[string]any) (jsonschema.SchemaExt, error) {
	s := ctx.Enqueue(nil) // the one that is being compiled
	f := &jsonschema.Format{Validate: func(any) error { return nil }}
	if s.Format != nil {
		f = s.Format
	}
	s.Format = &jsonschema.Format{Name: f.Name, Validate: func(v any) error {
		w.step()
		return f.Validate(v)
	}}
	return nil, nil //nolint:nilnil // it is no keyword
}

func (w *work) step() { w.cost(1) }

func (w *work) cost(steps int) {
	if w.steps += steps; w.steps > maxSteps {
		w.fault = fmt.Errorf("it takes more than %d steps; let fewer parts of the schema refer to others, or shorten its patterns%s", maxSteps, advice)
		panic(w.fault) //nolint:forbidigo // the library knows no other end; see recovered
	}
}

// pattern compiles a pattern.
func (w *work) pattern(text string) (jsonschema.Regexp, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err //nolint:wrapcheck // the library says where
	}
	n := size(tree)
	if w.patterns += n; w.patterns > maxPatterns {
		w.fault = errors.New("its patterns are too large; write shorter ones, with fewer repetitions" + advice)
		return nil, w.fault
	}
	re, err := regexp.Compile(text)
	return pattern{re, n, w}, err //nolint:wrapcheck // as above
}

// pattern is one whose matches are counted. The time of one grows with the size of the
// pattern and of the text: a hundred of their product take as long as a step.
type pattern struct {
	*regexp.Regexp

	size int
	work *work
}

// MatchString reports whether the pattern is found in a text.
func (p pattern) MatchString(text string) bool {
	p.work.cost(p.size * (1 + len(text)) / 100)
	return p.Regexp.MatchString(text)
}

// size is how many characters a pattern has, with its repetitions.
func size(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += size(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}
