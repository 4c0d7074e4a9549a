package privacy_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/spanloom/spanloom/privacy"
)

func TestText(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	r.Add("e5b2value", "${env:TOKEN}")
	r.Add("e5b2value-and-more", "${env:LONGER}")
	r.Add("abc", "${env:SHORT}")
	for text, want := range map[string]string{
		"":                                                     "",
		"nothing here: 12:30, a=b":                             "nothing here: 12:30, a=b",
		"password=hunter2 user=bob":                            "password=[redacted] user=bob",
		"PASSWORD = hunter2":                                   "PASSWORD = [redacted]",
		"--db-password=x y":                                    "--db-password=[redacted] y",
		"DB_PASSWORD=x\nUSER=y":                                "DB_PASSWORD=[redacted]\nUSER=y",
		`{"password":"a\"b","u":1}`:                            `{"password":"[redacted]","u":1}`,
		`{"password": 12, "u": 1}`:                             `{"password": [redacted] "u": 1}`,
		`{"tokens":1,"api_key":["a","b"],"u":{}}`:              `{"tokens":1,"api_key":[redacted]"u":{}}`,
		`{"secrets":{"a":"b c","d":["e"]} }`:                   `{"secrets":[redacted] }`,
		`"{\"password\":\"a\\\"b\",\"u\":1}"`:                  `"{\"password\":\"[redacted]\",\"u\":1}"`,
		`password='it''s' x`:                                   `password='[redacted]' x`,
		`password="a"b"c" x`:                                   `password=[redacted]"c" x`,
		`password="open`:                                       `password="[redacted]`,
		`password=""`:                                          `password="[redacted]"`,
		"password=":                                            "password=",
		"password: \nnext":                                     "password: \nnext",
		"{User:bob Password:x y}":                              "{User:bob Password:[redacted] y}",
		`main.L{User:"b", Password:"x"}`:                       `main.L{User:"b", Password:"[redacted]"}`,
		"map[apiKey:x user:y]":                                 "map[apiKey:[redacted] user:y]",
		`Token:map[string]string{"a":"b"} x`:                   `Token:[redacted] x`,
		`Secret:&{a b} x`:                                      `Secret:[redacted] x`,
		"get /x?access_token=abc&page=2":                       "get /x?access_token=[redacted]&page=2",
		"user[password]=x&a=b":                                 "user[password]=[redacted]&a=b",
		"Authorization: Basic dTpw, x\nHost: h":                "Authorization: [redacted]\nHost: h",
		"Cookie: a=b; c=d\r\nHost: h":                          "Cookie: [redacted]\r\nHost: h",
		"map[Authorization:[Bearer abc] Host:[h]]":             "map[Authorization:[redacted] Host:[h]]",
		"token: Bearer abc def":                                "token: [redacted] def",
		"sent Bearer abc.def, again":                           "sent Bearer [redacted], again",
		"the bearer token is bad":                              "the bearer token is bad",
		"Basic dXNlcjpwYXNz and Basic auth":                    "Basic [redacted] and Basic auth",
		"dial postgres://u:p@h:5/d?x=1":                        "dial postgres://[redacted]@h:5/d?x=1",
		"https://u@h/x and https://h/x@y":                      "https://[redacted]@h/x and https://h/x@y",
		"amqp://u:p/a@ss@h/v":                                  "amqp://[redacted]@h/v",
		"http://h:80/a@b":                                      "http://h:80/a@b",
		"open root:hunter2@tcp(db:3306)/x?a=b":                 "open root:[redacted]@tcp(db:3306)/x?a=b",
		"dial bob:p@ss/w@redis:6379, u:p@/db":                  "dial bob:[redacted]@redis:6379, u:[redacted]@/db",
		"mail:bob@example.org, git@github.com:a/b":             "mail:bob@example.org, git@github.com:a/b",
		"e5b2value-and-more e5b2value.":                        "${env:LONGER} ${env:TOKEN}.",
		"x=e5b2value abc":                                      "x=${env:TOKEN} abc",
		"ZTViMnZhbHVl 65356232766178x 653562327661" + "6c7565": "${env:TOKEN} 65356232766178x ${env:TOKEN}",
		"pässwort=a b":                                         "pässwort=a b",
		"a\xff\xfetoken=\xff\xfe b":                            "a\xff\xfetoken=[redacted] b",
		"max_tokens=5 tokenizer=x":                             "max_tokens=5 tokenizer=x",
		"get token: not found":                                 "get token: [redacted] found",
		"token => x y":                                         "token => [redacted] y",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
		if again := r.Text(want); again != want {
			t.Errorf("%s became %s the second time", want, again)
		}
	}
	var none *privacy.Redactor
	if got := none.Text("token=x"); got != "token=[redacted]" {
		t.Error(got)
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	for name, value := range map[string]string{
		"COLLECTOR": "http://user:pa%20ssword@collector.internal:4318/v1", "DIR": "/opt//canary dir/", "QUOTED": "a\"b\nc<d",
	} {
		r.Add(value, "${env:"+name+"}")
	}
	r.Add("hunter2", "")
	r.Add("ter2-more", "${env:MORE}")
	for text, want := range map[string]string{
		"lookup collector.internal: no": "lookup ${env:COLLECTOR}: no",
		"dial collector.internal:4318":  "dial ${env:COLLECTOR}",
		"open /opt/canary dir/x":        "open ${env:DIR}/x",
		`the argument "a\"b\nc<d"`:      `the argument "${env:QUOTED}"`,
		`"x":"a\"b\nc\u003cd"`:          `"x":"${env:QUOTED}"`,
		"a&#34;b\nc&lt;d":               "${env:QUOTED}",
		"?q=a%22b%0Ac%3Cd":              "?q=${env:QUOTED}",
		"it is hunter2.":                "it is [redacted].",
		"it is hunter2-more.":           "it is [redacted].",
		"token=hun hunter2-more":        "token=[redacted] [redacted]",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "..."},
		{"äöü", 5, "ä..."},
		{"abcd", 0, ""},
		{"abcd", -1, ""},
		{"password=hunter2", 14, "password=[r..."},
		{"password=hunter2", 19, "password=[redacted]"},
		{strings.Repeat("x", 100<<20) + " token=abc", 10, "xxxxxxx..."},
		{"https://" + strings.Repeat("p", 100<<20) + "@h", 30, "https://[redacted]..."},
		{"token=" + strings.Repeat("p", 100<<20) + " x", 30, "token=[redacted]..."},
	} {
		if got := (*privacy.Redactor)(nil).Clip(tt.text, tt.limit); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// Values may be added while others are replaced.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			value := "value-" + string(rune('a'+i))
			r.Add(value, "")
			for range 100 {
				if got := r.Text(value + " token=x " + value); got != "[redacted] token=[redacted] [redacted]" {
					t.Error(got)
					return
				}
				r.Key(value)
			}
		})
	}
	group.Wait()
}
