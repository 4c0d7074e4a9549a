package configschema

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ladder is a schema of n rungs, each of which leads to the NEXT, and a foot.
func ladder(n int, rung, foot string) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"a%d":%s,`, i, strings.ReplaceAll(rung, "NEXT", fmt.Sprintf(`{"$ref":"#/$defs/a%d"}`, i+1)))
	}
	fmt.Fprintf(&b, `"a%d":%s}}`, n, foot)
	return b.String()
}

func list(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }

// TestHostileSchemas: what would take hours or all memory is refused by counting, before
// it has cost much.
func TestHostileSchemas(t *testing.T) {
	const steps, values, deep = "more than 50000 steps", "more than 5000 values", "nested deeper than 64"
	for name, c := range map[string]struct{ schema, value, want string }{
		"allOf":             {ladder(30, `{"allOf":[NEXT,NEXT]}`, `{"type":"string"}`), `{}`, steps},
		"allOf that passes": {ladder(30, `{"allOf":[NEXT,NEXT]}`, `{}`), `{}`, steps},
		"anyOf":             {ladder(30, `{"anyOf":[NEXT,NEXT]}`, `{"type":"string"}`), `{}`, steps},
		"oneOf":             {ladder(30, `{"oneOf":[NEXT,NEXT]}`, `false`), `{}`, steps},
		"of draft 7":        {`{"$schema":"http://json-schema.org/draft-07/schema#",` + ladder(30, `{"allOf":[NEXT,NEXT]}`, `{"type":"string"}`)[1:], `{}`, steps},
		"behind not": {
			strings.Replace(ladder(30, `{"dependentSchemas":{"x":NEXT,"y":NEXT}}`, `{"minProperties":9}`), `"$ref":"#/$defs/a0"`, `"not":{"$ref":"#/$defs/a0"}`, 1),
			`{"x":1,"y":1}`, steps,
		},
		"dynamic anchors": {
			`{"$dynamicAnchor":"n","$defs":{"m":{"$dynamicAnchor":"m","items":{"allOf":[{"$dynamicRef":"#m"},{"$dynamicRef":"#m"}]}}},"$ref":"#/$defs/m"}`,
			strings.Repeat("[", 30) + strings.Repeat("]", 30), steps,
		},
		"as deep as the value": {
			`{"items":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}`, strings.Repeat("[", 30) + strings.Repeat("]", 30), steps,
		},
		"names of keys": {ladder(30, `{"propertyNames":{"allOf":[NEXT,NEXT]},"allOf":[NEXT,NEXT]}`, `{"type":"number"}`), `{"x":1}`, steps},
		"itself":        {`{"$ref":"#"}`, `{}`, "jsonschema validation failed"},
		"depth":         {strings.Repeat(`{"not":`, 5000) + "{}" + strings.Repeat("}", 5000), `{}`, deep},
		"size":          {`{"allOf":[` + list(40000, `true`) + `]}`, `{}`, values},
		"references":    {`{"allOf":[` + list(1300, `{"$ref":"#/x/1"}`) + `],"x":[` + list(1300, `{"a":1}`) + `]}`, `{}`, values},
		"bytes":         {`{"description":"` + strings.Repeat("x", MaxBytes) + `"}`, `{}`, "may have 262144"},
		"numbers":       {`{"allOf":[` + list(1000, `{"minimum":1e999999}`) + `]}`, `{}`, "a number that is too large"},
		"small numbers": {`{"allOf":[` + list(1000, `{"minimum":1E-999999}`) + `]}`, `{}`, "a number that is too large"},
		"long numbers":  {`{"minimum":` + strings.Repeat("9", 100_000) + `}`, `{}`, "a number that is too large"},
		"patterns":      {`{"allOf":[` + list(20, `{"pattern":"(`+strings.Repeat("a.", 800)+`){1000}"}`) + `]}`, `{}`, "patterns are too large"},
		"of keys":       {`{"patternProperties":{"(` + strings.Repeat("a.", 800) + `){1000}":{}}}`, `{}`, "patterns are too large"},
		"matches": {
			`{"$defs":{"p":{"pattern":"^` + strings.Repeat("(?:a?){1000}", 10) + `b$"}},"not":{"anyOf":[` + list(200, `{"$ref":"#/$defs/p"}`) + `]}}`,
			`"` + strings.Repeat("a", 40) + `"`, steps,
		},
		"of the config": {`{"format":"regex"}`, `"(` + strings.Repeat("a.", 800) + `){1000}"`, "patterns are too large"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := check(t, c.schema, c.value)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.300v, want %q", err, c.want)
			}
			runtime.ReadMemStats(&after)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 256 {
				t.Errorf("it took %d MiB", mib)
			} else {
				t.Logf("it took %d MiB", mib)
			}
		})
	}
}

func check(t *testing.T, schema, value string) error {
	t.Helper()
	s, err := Compile([]byte(schema))
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	return s.Check(v)
}

// TestDearestSchemas: what is just allowed is no burden.
func TestDearestSchemas(t *testing.T) {
	for name, schema := range map[string]string{
		"depth":      strings.Repeat(`{"not":`, 64) + "{}" + strings.Repeat("}", 64),
		"size":       `{"allOf":[` + list(4990, `true`) + `]}`,
		"references": `{"allOf":[` + list(1240, `{"$ref":"#/x/1"}`) + `],"x":[` + list(1240, `{"a":1}`) + `]}`,
		"numbers":    `{"allOf":[` + list(2400, `{"maximum":1e400}`) + `]}`,
		"steps":      ladder(13, `{"allOf":[NEXT,NEXT]}`, `{"type":"object"}`),
		"patterns":   `{"pattern":"(` + strings.Repeat("a.", 10) + `){1000}"}`,
	} {
		if err := check(t, schema, `{}`); err != nil {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

// TestEachCheckByItself: one check that took too long does not keep others from theirs,
// and formats are still looked at.
func TestEachCheckByItself(t *testing.T) {
	s, err := Compile([]byte(`{"items":{"$ref":"#"},"format":"ipv4"}`))
	if err != nil {
		t.Fatal(err)
	}
	long := make([]any, maxSteps)
	for i := range long {
		long[i] = "1.2.3.4"
	}
	for range 2 {
		if err := s.Check(long); err == nil || !strings.Contains(err.Error(), "more than 50000 steps") {
			t.Errorf("%.300v", err)
		}
		if err := s.Check(long[:9]); err != nil {
			t.Error(err)
		}
		if _, ok := errors.AsType[*jsonschema.ValidationError](s.Check([]any{"1.2.3"})); !ok {
			t.Error("the format was not looked at")
		}
	}
}
