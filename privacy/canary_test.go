package privacy_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/privacy"
)

// leaks returns the form in which text has the secret, or "". A part of 12 bytes
// is a leak too.
func leaks(text, secret string) string {
	const part = 12
	quote := func(s string) string { return inJSON(s)[1 : len(inJSON(s))-1] }
	forms := map[string]string{
		"raw": secret, "json": quote(secret), "json twice": quote(quote(secret)), "quoted": strings.Trim(strconv.Quote(secret), `"`),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
	}
	for i := range 3 {
		in := append(make([]byte, i), secret...)
		forms["base64 "+strconv.Itoa(i)] = base64.RawStdEncoding.EncodeToString(in)[2*i : len(in)*8/6-1]
		forms["base64url "+strconv.Itoa(i)] = base64.RawURLEncoding.EncodeToString(in)[2*i : len(in)*8/6-1]
	}
	for name, form := range forms {
		for i := 0; i+part <= len(form); i++ {
			if strings.Contains(text, form[i:i+part]) {
				return fmt.Sprintf("%s (%s)", form[i:i+part], name)
			}
		}
	}
	return ""
}

// inJSON returns v as encoding/json writes it.
func inJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// random is 32 bytes: any, or such as a text may have.
func random() *rapid.Generator[string] {
	text := func(digits string) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.SampledFrom([]rune(digits)), 32, 32, -1)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 32, 32), func(b []byte) string { return string(b) }),
		text(letters), text(letters+"-_.~+/="), text(letters+"\"\\<>&%$#@!,;:(){}[]|?^ \t"),
	)
}

type account struct {
	Name     string
	Password any `json:"pw"`
	APIKey   any
	Inner    any
	Header   map[string][]string
}

type document struct{ text string }

func (d document) MarshalJSON() ([]byte, error) { return []byte(d.text), nil }

// underName returns a value in which the secret stands under the name of one, or
// in a Secret.
func underName(t *rapid.T, secret string) any {
	forms := []any{secret, []byte(secret), &secret, []string{secret}, map[string]string{"a": secret}, map[string]int{secret: 1}, [1]any{secret}, fmt.Errorf("is %s", secret)}
	name := rapid.SampledFrom([]string{"password", "DB_PASSWORD", "authToken", "x-api-key", "client_secret", "iban"}).Draw(t, "name")
	held := rapid.SampledFrom(forms).Draw(t, "held")
	quoted := inJSON(map[string]any{name: map[string]any{"x": []any{secret}}, "after": 1})
	return rapid.SampledFrom([]any{
		account{Password: held},
		account{APIKey: held},
		&account{Inner: map[string]any{name: held}},
		account{Header: map[string][]string{"Authorization": {secret}, "Set-Cookie": {secret}}},
		privacy.NewSecret(secret),
		map[string]any{"x": privacy.NewSecret(held)},
		struct{ S privacy.Secret[any] }{privacy.NewSecret(held)},
		map[string]any{name: held},
		json.RawMessage(quoted),
		document{quoted},
		quoted, []byte(quoted), strconv.Quote(quoted),
	}).Draw(t, "value")
}

// inText returns a text that has the secret as it is, where its form says that.
func inText(t *rapid.T, secret string) string {
	safe := url.QueryEscape(secret)
	quoted := strconv.Quote(secret)
	b64 := base64.StdEncoding.EncodeToString([]byte(secret))
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + secret))
	return rapid.SampledFrom([]string{
		"token=" + safe, "api_key: " + safe + " x", "--password " + "password=" + quoted, `{"password":` + quoted + `}`,
		strconv.Quote(`{"password":` + quoted + `}`), "Bearer " + safe, "Authorization: Basic " + basic, "Basic " + basic,
		"postgres://u:" + safe + "@db/x", "root:" + safe + "@tcp(db:3306)/x", "https://h/x?a=1&access_token=" + safe + "&b=2", "secret=" + b64, "Cookie: a=" + safe + "; b=" + safe,
		fmt.Sprintf("%#v", struct{ Password string }{secret}), fmt.Sprintf("%+v", struct{ Token string }{safe}), fmt.Sprint(map[string]string{"token": safe}),
		fmt.Sprintf("%q", map[string]string{"password": secret}),
	}).Draw(t, "text")
}

// anyForm returns a text that has a value that the redactor knows.
func anyForm(t *rapid.T, secret string) string {
	return rapid.SampledFrom([]string{
		secret, secret + secret, "x" + secret + "y", strconv.Quote(secret), inJSON(secret), strconv.Quote(inJSON(secret)),
		url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("user:" + secret)), base64.StdEncoding.EncodeToString([]byte("u:" + secret + "more")),
		"http://h/" + secret, "open " + secret + ": not found", "a=" + secret + "&b=c",
	}).Draw(t, "form")
}

// around puts a text between others, so that it is cut anywhere.
func around(t *rapid.T, s string) string {
	pad := rapid.StringOfN(rapid.SampledFrom([]rune("ab äé.,:\n")), 0, 60, -1)
	return pad.Draw(t, "before") + " " + s + " " + pad.Draw(t, "after")
}

// nested puts a value into others.
func nested(t *rapid.T, v any) any {
	for range rapid.IntRange(0, 4).Draw(t, "depth") {
		v = rapid.SampledFrom([]any{
			[]any{1, v}, map[string]any{"a": "b", "v": v}, &v, struct{ Before, V any }{"x", v}, map[int]any{7: v}, [2]any{v, v},
		}).Draw(t, "around")
	}
	return v
}

// A secret stands somewhere, and is nowhere in what comes out, however that is cut.
func TestCanary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := random().Draw(t, "secret")
		r, err := privacy.NewRedactor("iban")
		if err != nil {
			t.Fatal(err)
		}
		limit := rapid.IntRange(0, 400).Draw(t, "limit")
		c := privacy.Capture{Limit: max(limit, 1), Redactor: r}
		var out string
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			v := nested(t, underName(t, secret))
			out = c.JSON(v) + "\n" + c.JSON(1, v) + "\n" + logged(r, "v", v)
		case 1:
			text := around(t, inText(t, secret))
			out = r.Text(text) + "\n" + r.Clip(text, limit) + "\n" + c.JSON(nested(t, text)) + "\n" + logged(r, "err", errors.New(text)) +
				"\n" + c.JSON(map[string]int{text: 1})
		case 2:
			r.Add(secret, "${env:CANARY}")
			text := around(t, anyForm(t, secret))
			out = r.Text(text) + "\n" + r.Clip(text, limit) + "\n" + c.JSON(nested(t, text)) + "\n" + logged(r, "err", errors.New(text)) +
				"\n" + c.JSON(map[string]int{text: 1}) + c.JSON([]byte(text)) + c.JSON(nested(t, []byte(secret))) +
				fmt.Sprint(r.Header(map[string][]string{"X": {text}, "Y" + secret: {"a"}}))
		default:
			out = r.Value("x-api-key", secret) + fmt.Sprint(r.Header(map[string][]string{"Authorization": {secret}, "IBAN": {secret}})) +
				logged(r, "iban", secret) + logged(r, "v", slog.GroupValue(slog.String("password", secret)))
		}
		if form := leaks(out, secret); form != "" {
			t.Fatalf("%s is in %s", form, out)
		}
	})
}

func logged(r *privacy.Redactor, key string, v any) string {
	var out bytes.Buffer
	o := &slog.HandlerOptions{ReplaceAttr: r.Attr}
	slog.New(slog.NewJSONHandler(&out, o)).Info("x", key, v)
	slog.New(slog.NewTextHandler(&out, o)).Info("x", key, v)
	return out.String()
}

// What is cut is the beginning of what is not.
func TestClipIsABeginning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := random().Draw(t, "secret")
		r := &privacy.Redactor{}
		r.Add(secret, "")
		text := around(t, inText(t, secret)) + around(t, anyForm(t, secret))
		beginning(t, r, text, rapid.IntRange(0, 500).Draw(t, "limit"))
	})
}

// What is made of a part of a text is the beginning of what is made of it all, or
// a mark less.
func TestAPartIsABeginning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := random().Draw(t, "secret")
		r := &privacy.Redactor{}
		r.Add(secret, "${env:CANARY}")
		pad := strings.Repeat(rapid.SampledFrom([]string{"x", "xy ", "a=b ", "é\n", "\"", "u:p@"}).Draw(t, "pad"), rapid.IntRange(0, 400).Draw(t, "times"))
		text := pad + around(t, inText(t, secret)) + around(t, anyForm(t, secret)) + around(t, inText(t, random().Draw(t, "other"))) + pad
		whole := r.Text(text)
		n := rapid.IntRange(0, len(text)).Draw(t, "part")
		got, all := r.Part(text[:n])
		if all || !strings.HasPrefix(whole, strings.TrimSuffix(got, privacy.Mark)) {
			t.Fatalf("%q became %q, and all of %q %q", text[:n], got, text, whole)
		}
		if form := leaks(got, secret); form != "" {
			t.Fatalf("%s is in %s", form, got)
		}
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func beginning(t fataler, r *privacy.Redactor, text string, limit int) {
	whole, got := r.Text(text), r.Clip(text, limit)
	begin, cut := strings.CutSuffix(got, "..."[:min(max(limit, 0), 3)])
	if got != whole && (!cut || !strings.HasPrefix(whole, begin)) || len(got) > max(limit, 0) {
		t.Fatalf("%d: %q became %q, of %q", limit, text, got, whole)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"password=hunter2", `{"token":"a\"b"}`, `"{\"api_key\":\"x\"}"`, "https://u:p@h/", "Bearer x", "Authorization: Basic dTpw\nx",
		"e5b2value", "secret={[(", "cookie: a=b; c", `token='a''b'`, "://://:@/@", "a\xfftoken=\xff",
	} {
		f.Add(s, 10)
	}
	r := &privacy.Redactor{}
	const known = "e5b2value"
	r.Add(known, "")
	f.Fuzz(func(t *testing.T, text string, limit int) {
		beginning(t, r, text, limit)
		shown := r.Text(text)
		if strings.Contains(shown, known) || len(shown) > len(text)*len(privacy.Mark)+len(privacy.Mark) {
			t.Fatalf("%q became %q", text, shown)
		}
		if got := r.Text(text + " token=" + "hunter2"); strings.Contains(got, "hunter2") && !strings.Contains(text, "hunter2") {
			t.Fatalf("%q became %q", text, got)
		}
		if !json.Valid([]byte(privacy.Capture{Limit: 1 << 20, Redactor: r}.JSON(text, []byte(text)))) {
			t.Fatalf("%q gives no JSON", text)
		}
	})
}
