package manifest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v4"
)

// sentence says what a fault is without the value at fault, which may be a
// secret; bounds and allowed values are from the schema.
func (c *schemaCheck) sentence(pl place, fault *jsonschema.ValidationError) string {
	switch k := fault.ErrorKind.(type) {
	case *kind.Type:
		return c.typeSentence(pl, k, fault.SchemaURL)
	case *kind.Enum:
		return c.enumSentence(pl, k)
	case *kind.Const:
		return "must be " + constant(k.Want)
	case *kind.Pattern:
		if c.schema.own {
			hint := ""
			if strings.ContainsAny(c.p.shown(pl.node), `/\`) {
				hint = "; to run a program by its path, use command"
			}
			if strings.HasSuffix(pl.path, ".plugin") {
				hint += c.plugin(pl)
			}
			return `must be lower-case letters, digits, "-" and "_", and begin with a letter or digit` + hint
		}
		if form := c.form(fault.SchemaURL); form != "" {
			return "must be written like " + form
		}
		return "does not match the pattern " + clip(k.Want)
	case *kind.Format:
		return "not a valid " + clip(k.Want)
	case *kind.MinLength:
		if k.Want == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("needs at least %s", count(k.Want, "item"))
	case *kind.MaxItems:
		return fmt.Sprintf("takes at most %s", count(k.Want, "item"))
	case *kind.AdditionalItems:
		return fmt.Sprintf("has %s too many", count(k.Count, "item"))
	case *kind.MinProperties:
		return fmt.Sprintf("needs at least %s", count(k.Want, "key"))
	case *kind.MaxProperties:
		return fmt.Sprintf("takes at most %s", count(k.Want, "key"))
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("items %d and %d are the same", k.Duplicates[0], k.Duplicates[1])
	case *kind.DependentRequired:
		return fmt.Sprintf("%s needs %s beside it", clip(k.Prop), listed(k.Missing))
	case *kind.Dependency:
		return fmt.Sprintf("%s needs %s beside it", clip(k.Prop), listed(k.Missing))
	case *kind.Not:
		return "has a form that is not allowed"
	case *kind.Contains:
		return "lacks an item of the form the backend asks for"
	case *kind.FalseSchema:
		return "is not allowed here"
	}
	// Kinds without a short sentence, and ones a later library adds.
	keyword := strings.Join(fault.ErrorKind.KeywordPath(), "/")
	return fmt.Sprintf("does not fit the rule %q of the backend's schema", clip(keyword))
}

var typeNames = map[string]string{
	"object":  "a mapping",
	"array":   "a list",
	"string":  "a string",
	"number":  "a number",
	"integer": "a whole number",
	"boolean": "true or false",
	"null":    "null",
}

func (c *schemaCheck) typeSentence(pl place, k *kind.Type, address string) string {
	want := make([]string, len(k.Want))
	for i, t := range k.Want {
		want[i] = typeNames[t]
	}
	got := typeNames[k.Got]
	if k.Got == "boolean" {
		got = "a boolean"
	}
	if k.Got == "number" && k.Want[0] == "integer" {
		got = "a fraction"
	}
	if k.Got == "null" && pl.node.Value == "" {
		got = "nothing"
	}
	return fmt.Sprintf("expected %s, got %s%s", strings.Join(want, " or "), got, c.typeHint(pl, k, address))
}

func (c *schemaCheck) typeHint(pl place, k *kind.Type, address string) string {
	assign := ""
	if pl.key != nil {
		assign = pl.key.Value + ": "
	}
	scalar := pl.node.Kind == yaml.ScalarNode && pl.node.Style&quoted == 0
	switch {
	case !pl.found:
		return ""
	case c.schema.own && strings.HasSuffix(address, "/$defs/duration"):
		return "; write " + assign + "3s"
	case c.schema.own && strings.HasSuffix(address, "/$defs/size"):
		return "; write " + assign + "64MiB"
	case c.schema.own && pl.path == "version" && (k.Got == "null" || k.Got == "boolean"):
		return `; write version: "1"`
	case k.Got == "null":
		return "; remove the key or give it a value"
	case k.Want[0] == "string" && c.form(address) != "":
		return "; write it like " + c.form(address)
	case k.Want[0] == "string" && scalar:
		return fmt.Sprintf("; write %s%q", assign, c.p.shown(pl.node))
	case c.isEntry(pl) && scalar && c.plugin(pl) != "":
		return "; write - plugin: " + strings.ToLower(c.p.shown(pl.node))
	case k.Want[0] == "array" && scalar && pl.path != "telemetry.backends" && plainWord.MatchString(c.p.shown(pl.node)):
		return "; write " + assign + "[" + c.p.shown(pl.node) + "]"
	case k.Want[0] == "array":
		return `; write each item on its own line after "- "`
	case k.Want[0] == "boolean" && pl.node.Style&quoted != 0:
		return "; remove the quotes"
	case k.Want[0] == "number" && k.Got == "string":
		if part := c.percent(pl.node); part != "" {
			return "; write " + assign + part
		}
	}
	return ""
}

// plainWord needs no quotes in a list.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// plugin is a hint to the built-in backend that a scalar is near to.
func (c *schemaCheck) plugin(pl place) string {
	if _, secret := c.p.written[pl.node]; secret {
		return ""
	}
	var names []string
	for _, b := range c.p.known() {
		names = append(names, b.Name)
	}
	return didYouMean(pl.node.Value, names)
}

// form returns the examples that a backend's schema gives of a text that has to match a
// pattern, which few readers of a manifest know how to read; "" when it gives none.
func (c *schemaCheck) form(address string) string {
	part := c.schema.subschema(address)
	if part["pattern"] == nil {
		return ""
	}
	const most = 3
	var list []string
	for _, example := range at[[]any](part, "examples") {
		if text, ok := example.(string); ok && len(list) < most {
			list = append(list, constant(text))
		}
	}
	if last := len(list) - 1; last > 0 {
		return strings.Join(list[:last], ", ") + " or " + list[last]
	}
	return strings.Join(list, "")
}

// percent returns what is written as a percentage, such as 10%, as the part of one
// that it is; "" for anything else, and for what must not be shown.
func (c *schemaCheck) percent(n *yaml.Node) string {
	if _, secret := c.p.written[n]; secret {
		return ""
	}
	text, ok := strings.CutSuffix(n.Value, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !ok || err != nil || f < 0 || f > 100 {
		return ""
	}
	return strconv.FormatFloat(f/100, 'f', -1, 64)
}

func (c *schemaCheck) enumSentence(pl place, k *kind.Enum) string {
	var names []string
	allowed := make([]string, 0, maxListed)
	for _, want := range k.Want {
		if s, ok := want.(string); ok {
			names = append(names, s)
		}
		if len(allowed) < maxListed {
			allowed = append(allowed, constant(want))
		}
	}
	hint := ""
	if _, secret := c.p.written[pl.node]; !secret && pl.found && pl.node.Kind == yaml.ScalarNode {
		hint = didYouMean(pl.node.Value, names)
	}
	return "must be one of " + strings.Join(allowed, ", ") + hint
}

func constant(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "another value"
	}
	return clip(string(text))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return clip(r.RatString())
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}
