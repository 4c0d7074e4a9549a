package privacy_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/privacy"
)

func TestCapture(t *testing.T) {
	t.Parallel()
	r, err := privacy.NewRedactor("iban")
	if err != nil {
		t.Fatal(err)
	}
	r.Add("e5b2value", "${env:TOKEN}")
	type user struct {
		Name string `json:"name"`
		PW   string `json:"p,omitempty"` // the name in Go counts too
		IBAN string `json:"account"`
	}
	pwd := struct {
		Pwd string `json:"p"`
	}{"x"}
	for _, tt := range []struct {
		values []any
		limit  int
		want   string
	}{
		{nil, 0, ""},
		{[]any{nil}, 0, "null"},
		{[]any{1, "a"}, 0, `[1,"a"]`},
		{[]any{user{"bob", "", "x"}}, 0, `{"name":"bob","account":"[redacted]"}`},
		{[]any{pwd}, 0, `{"p":"[redacted]"}`},
		{[]any{login{"bob", privacy.NewSecret("x")}}, 0, `{"user":"bob","password":"[redacted]"}`},
		{[]any{map[string]any{"token": nil, "a": map[string]any{"api-key": []int{1}}}}, 0, `{"a":{"api-key":"[redacted]"},"token":"[redacted]"}`},
		{[]any{map[string]int{"e5b2value": 1}}, 0, `{"${env:TOKEN}":1}`},
		{[]any{"see https://u:p@h and token=abc"}, 0, `"see https://[redacted]@h and token=[redacted]"`},
		{[]any{[]byte("e5b2value")}, 0, `"JHtlbnY6VE9LRU59"`}, // ${env:TOKEN}
		{[]any{json.RawMessage(`{"a":{"token":{"b":[1,"x"]},"c":1}}`)}, 0, `{"a":{"token":"[redacted]","c":1}}`},
		{[]any{"x e5b2value"}, 8, `"x ${...`},
		{[]any{map[string]string{"password": strings.Repeat("p", 1000)}}, 20, `{"password":"[red...`},
		{[]any{"x token=" + strings.Repeat("p", 1<<20) + " y"}, 100, `"x token=[redacted]...`},
		{[]any{func() {}}, 0, "<unserializable: func()>"},
		{[]any{strings.Repeat("x", 300)}, 0, `"` + strings.Repeat("x", 252) + "..."},
		{[]any{"x"}, -1, ""},
	} {
		if got := (privacy.Capture{Limit: tt.limit, Redactor: r}).JSON(tt.values...); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
	if got := (privacy.Capture{}).JSON(pwd); got != `{"p":"[redacted]"}` {
		t.Error(got)
	}
}

func TestCaptureCostsWhatTheLimitAllows(t *testing.T) { //nolint:paralleltest // it measures what the program allocates
	const size = 100 << 20
	r := &privacy.Redactor{}
	r.Add(strings.Repeat("known", 100), "")
	long := strings.Repeat("a ", size/2)
	for name, v := range map[string]any{
		"text": long, "secret": "token=" + long, "name": map[string]string{long: long}, "bytes": []byte(long), "quoted": `password="` + long,
		"raw": json.RawMessage(`{"token":"` + long + `","b":1}`), "ats": strings.Repeat("https://", size/8), "under": map[string]string{"password": long},
	} {
		c := privacy.Capture{Redactor: r}
		c.JSON(v)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := c.JSON(v)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 128<<10 || len(got) > privacy.DefaultLimit {
			t.Errorf("%s: %d bytes for %s", name, n, got)
		}
	}
}

func BenchmarkCapture(b *testing.B) {
	r := &privacy.Redactor{}
	r.Add("e5b2value", "")
	c := privacy.Capture{Redactor: r}
	text := "dial tcp 10.0.0.1:5432: connect: connection refused (host=db user=bob database=app): after 3 attempts"
	for name, f := range map[string]func(){
		"struct": func() { c.JSON(login{User: "bob"}) }, "text": func() { r.Clip(text, 256) },
		"100MB": func() { c.JSON(long) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

var long = strings.Repeat("a ", 50<<20)
