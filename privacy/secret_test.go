package privacy_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/spanloom/spanloom/privacy"
)

const canary = "hunter2-canary"

type login struct {
	User     string                 `json:"user"     yaml:"user"`
	Password privacy.Secret[string] `json:"password" yaml:"password"`
}

type sealed struct{ password privacy.Secret[string] }

var (
	_ fmt.Formatter            = privacy.Secret[int]{}
	_ fmt.Stringer             = privacy.Secret[int]{}
	_ fmt.GoStringer           = privacy.Secret[int]{}
	_ slog.LogValuer           = privacy.Secret[int]{}
	_ json.Marshaler           = privacy.Secret[int]{}
	_ encoding.TextMarshaler   = privacy.Secret[int]{}
	_ encoding.BinaryMarshaler = privacy.Secret[int]{}
)

// shapes are all the ways in which a value holds a secret.
func shapes() map[string]any {
	s := privacy.NewSecret(canary)
	return map[string]any{
		"plain": s, "pointer": &s, "struct": login{"bob", s}, "unexported": sealed{s}, "pointer to unexported": &sealed{s},
		"slice": []privacy.Secret[string]{s}, "map": map[string]privacy.Secret[string]{"a": s}, "any": []any{s, &s},
		"bytes": privacy.NewSecret([]byte(canary)), "struct inside": privacy.NewSecret(struct{ S string }{canary}),
		"secret inside": privacy.NewSecret(s), "pointer inside": privacy.NewSecret(&struct{ S string }{canary}),
		"error": fmt.Errorf("login %v: %+v: %#v: %w", s, login{"bob", s}, sealed{s}, io.EOF),
	}
}

// silent fails if text has the canary in any form.
func silent(t *testing.T, what, text string) {
	t.Helper()
	for _, form := range []string{
		canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"),
		"aHVudGVyMi1jYW5hcn", "104 117 110 116", "104,117,110,116", "0x68, 0x75",
	} {
		if strings.Contains(text, form) {
			t.Errorf("%s: %s", what, text)
		}
	}
}

func TestNoVerbShowsASecret(t *testing.T) {
	t.Parallel()
	for name, v := range shapes() {
		for verb := rune('!'); verb <= '~'; verb++ {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "200", ".3", "+#20.5", "[1]"} {
				silent(t, name, fmt.Sprintf("%"+flags+string(verb), v))
			}
		}
		silent(t, name, fmt.Sprint(v)+fmt.Sprintln(v))
	}
	for verb := range strings.FieldsSeq("%v %+v %#v %s %q %x %X %d %t %e %c %U") {
		if got := fmt.Sprintf(verb, privacy.NewSecret(canary)); got != privacy.Mark {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got := fmt.Sprintf("%v %+v", login{"bob", privacy.NewSecret(canary)}, login{}); got != "{bob [redacted]} {User: Password:[redacted]}" {
		t.Error(got)
	}
}

func TestNoEncoderShowsASecret(t *testing.T) {
	t.Parallel()
	for name, v := range shapes() {
		var out bytes.Buffer
		_ = json.NewEncoder(&out).Encode(v) //nolint:errchkjson // what it wrote is looked at
		_ = xml.NewEncoder(&out).Encode(v)
		_ = gob.NewEncoder(&out).Encode(v)
		func() {
			defer func() { _ = recover() }() // some do not take a func
			_ = yaml.NewEncoder(&out).Encode(v)
		}()
		_ = template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}<script>{{.}}</script>`)).Execute(&out, v)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).InfoContext(t.Context(), "x", "v", v, slog.Group("g", "v", v))
		}
		silent(t, name, out.String()+cmp.Diff(v, 1))
		silent(t, name, walk(reflect.ValueOf(v), 20))
	}
	if err := gob.NewEncoder(io.Discard).Encode(login{"bob", privacy.NewSecret(canary)}); err == nil || !strings.Contains(err.Error(), "a secret has no binary form") {
		t.Error(err)
	}
	text, err := yaml.Marshal(login{"bob", privacy.NewSecret(canary)})
	if string(text) != "user: bob\npassword: '[redacted]'\n" || err != nil {
		t.Error(string(text), err)
	}
	data, err := json.Marshal(login{"bob", privacy.NewSecret(canary)})
	if string(data) != `{"user":"bob","password":"[redacted]"}` || err != nil {
		t.Error(string(data), err)
	}
}

// walk prints all that reflection reaches, as printers do that look at fields that
// are not exported.
func walk(v reflect.Value, depth int) string {
	if depth == 0 || !v.IsValid() {
		return ""
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return walk(v.Elem(), depth-1)
	case reflect.Struct:
		var b strings.Builder
		for _, f := range v.Fields() {
			b.WriteString(walk(f, depth-1) + " ")
		}
		return b.String()
	case reflect.Slice, reflect.Array:
		var b strings.Builder
		for i := range v.Len() {
			b.WriteString(walk(v.Index(i), depth-1) + " ")
		}
		return b.String()
	case reflect.Map:
		var b strings.Builder
		for i := v.MapRange(); i.Next(); {
			b.WriteString(walk(i.Key(), depth-1) + walk(i.Value(), depth-1) + " ")
		}
		return b.String()
	case reflect.String:
		return v.String()
	case reflect.Uint8:
		return fmt.Sprint(v.Uint())
	default:
		return v.Kind().String()
	}
}

func TestASecretDecodes(t *testing.T) {
	t.Parallel()
	var l login
	if err := json.Unmarshal([]byte(`{"password":"p\u00e4ss"}`), &l); err != nil || l.Password.Reveal() != "päss" {
		t.Error(err)
	}
	if err := yaml.Unmarshal([]byte("password: pass word"), &l); err != nil || l.Password.Reveal() != "pass word" {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(`{"password":null}`), &l); err != nil || l.Password.Reveal() != "pass word" {
		t.Error(err)
	}
	var all struct {
		N privacy.Secret[int]
		B privacy.Secret[[]byte]
		S privacy.Secret[struct{ A int }]
		T privacy.Secret[time.Time]
	}
	if err := json.Unmarshal([]byte(`{"N":7,"B":"AQI=","S":{"A":1},"T":"2026-01-02T03:04:05Z"}`), &all); err != nil ||
		all.N.Reveal() != 7 || !bytes.Equal(all.B.Reveal(), []byte{1, 2}) || all.S.Reveal().A != 1 || all.T.Reveal().Year() != 2026 {
		t.Error(err)
	}
	set := flag.NewFlagSet("x", flag.ContinueOnError)
	var b privacy.Secret[[]byte]
	var n privacy.Secret[int]
	var at privacy.Secret[time.Time]
	set.TextVar(&b, "b", b, "")
	set.TextVar(&n, "n", n, "")
	set.TextVar(&at, "t", at, "")
	if err := set.Parse([]string{"-b", "raw", "-n", "5", "-t", "2026-01-02T03:04:05Z"}); err != nil || string(b.Reveal()) != "raw" || n.Reveal() != 5 || at.Reveal().Month() != 1 {
		t.Error(err)
	}
}

// Errors tell the type and not the value, and a mark is no value.
func TestWhatDoesNotDecode(t *testing.T) {
	t.Parallel()
	var s privacy.Secret[string]
	var n privacy.Secret[int]
	var at privacy.Secret[time.Time]
	var broken privacy.Secret[breaks]
	for _, tt := range []struct {
		err  error
		want string
	}{
		{n.UnmarshalJSON([]byte(`"` + canary + `"`)), "privacy: a secret cannot be decoded as int"},
		{n.UnmarshalText([]byte(canary)), "privacy: a secret cannot be decoded as int"},
		{at.UnmarshalText([]byte(canary)), "privacy: a secret cannot be decoded as time.Time"},
		{broken.UnmarshalText([]byte(canary)), "privacy: a secret cannot be decoded as privacy_test.breaks"},
		{s.UnmarshalJSON([]byte(` "[redacted]"`)), "privacy: [redacted] is what a secret was encoded to, not its value"},
		{s.UnmarshalText([]byte("[redacted]\n")), "privacy: [redacted] is what a secret was encoded to, not its value"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("%v, want %s", tt.err, tt.want)
		}
	}
	if err := json.Unmarshal([]byte(inJSON(login{"bob", privacy.NewSecret(canary)})), &login{}); err == nil {
		t.Error("what a secret was encoded to is taken for its value")
	}
}

type breaks struct{}

func (*breaks) UnmarshalText(text []byte) error { panic(string(text)) }

func TestEqualSecrets(t *testing.T) {
	t.Parallel()
	if a, b := privacy.NewSecret("a"), privacy.NewSecret("b"); a.Equal(b) || !a.Equal(privacy.NewSecret("a")) || !cmp.Equal(login{Password: a}, login{Password: a}) {
		t.Error("strings")
	}
	if a, b := privacy.NewSecret([]byte("a")), privacy.NewSecret([]byte("b")); a.Equal(b) || !a.Equal(privacy.NewSecret([]byte("a"))) {
		t.Error("bytes")
	}
	if a, b := privacy.NewSecret([]int{1}), privacy.NewSecret([]int{2}); a.Equal(b) || !a.Equal(privacy.NewSecret([]int{1})) {
		t.Error("others")
	}
	if a, b := privacy.NewSecret[any]("a"), privacy.NewSecret[any](1); a.Equal(b) || !b.Equal(privacy.NewSecret[any](1)) || !(privacy.Secret[any]{}).Equal(privacy.NewSecret[any](nil)) {
		t.Error("any")
	}
	var zero privacy.Secret[int]
	if zero.Reveal() != 0 || !zero.Equal(privacy.NewSecret(0)) || fmt.Sprint(zero, &zero) != "[redacted] [redacted]" {
		t.Error("the zero secret does not work")
	}
}
