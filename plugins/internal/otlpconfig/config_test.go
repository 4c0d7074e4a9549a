package otlpconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// summary is what settings come to, with secrets revealed.
type summary struct {
	URL         string
	Protocol    Protocol
	Headers     string
	TLS, Gzip   bool
	Timeout     time.Duration
	Batch       Batch
	Roots, Pair bool
}

func summarize(s Settings) summary {
	var headers []string
	for _, name := range []string{"authorization", "k", "k2", "x-scope-orgid"} {
		if v, ok := s.Headers[name]; ok {
			headers = append(headers, name+"="+v.Reveal())
		}
	}
	sum := summary{
		URL: s.Endpoint.String(), Protocol: s.Protocol, Headers: strings.Join(headers, " "),
		TLS: s.TLS != nil, Gzip: s.Gzip, Timeout: s.Timeout, Batch: s.Batch,
	}
	if s.Protocol == HTTPProtobuf {
		sum.URL = s.Endpoint.URL("traces")
	}
	if s.TLS != nil {
		sum.Roots, sum.Pair = s.TLS.RootCAs != nil, len(s.TLS.Certificates) > 0
	}
	return sum
}

func TestResolve(t *testing.T) {
	ca := otlptest.NewAuthority(t)
	cert, key := ca.Issue(t, "client")
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	caFile, certFile, keyFile := file("ca.pem", ca.PEM), file("cert.pem", cert), file("key.pem", key)
	quote := func(s string) string { return fmt.Sprintf("%q", s) }
	std := presets["default"]
	const e = "OTEL_EXPORTER_OTLP_"
	for name, tc := range map[string]struct {
		config string
		env    []string
		want   summary
	}{
		"nothing":     {`{}`, nil, summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: std}},
		"http":        {`{"protocol":"http/protobuf"}`, nil, summary{URL: "http://127.0.0.1:4318/v1/traces", Protocol: HTTPProtobuf, Timeout: 10 * time.Second, Batch: std}},
		"tls":         {`{"endpoint":"collector"}`, nil, summary{URL: "https://collector:4317", Protocol: GRPC, TLS: true, Timeout: 10 * time.Second, Batch: std}},
		"plain":       {`{"endpoint":"http://h:1","headers":{"X-Scope-OrgID":"7"}}`, nil, summary{URL: "http://h:1", Protocol: GRPC, Headers: "x-scope-orgid=7", Timeout: 10 * time.Second, Batch: std}},
		"low latency": {`{"batch":"low_latency"}`, nil, summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: Batch{128, 10 * time.Millisecond, 16384}}},
		"throughput":  {`{"batch":"throughput"}`, nil, summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: Batch{512, time.Second, 65536}}},
		"figures":     {`{"batch":{"size":1,"linger":"0s","queue":1}}`, nil, summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: Batch{1, 0, 1}}},
		"short queue": {`{"batch":{"queue":100}}`, nil, summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: Batch{100, std.Linger, 100}}},
		"everything": {
			`{"endpoint":"https://h:1/x","protocol":"http/protobuf","headers":{"K":" v "},"auth":{"bearer":"tok\n","api_key":{"header":"K2","value":"v2"}},
			 "tls":{"ca":` + quote(caFile) + `,"cert":` + quote(cert) + `,"key":` + quote(keyFile) + `,"server_name":"s"},
			 "compression":"gzip","batch":{"size":10},"timeout":"2s"}`,
			// None of this counts, nor can it be wrong.
			[]string{
				e + "ENDPOINT=://", e + "PROTOCOL=x", e + "HEADERS=x", e + "COMPRESSION=x", e + "TIMEOUT=x", e + "CERTIFICATE=/absent",
				e + "CLIENT_KEY=/absent", e + "CLIENT_CERTIFICATE=/absent", e + "INSECURE=x",
			},
			summary{
				URL: "https://h:1/x/v1/traces", Protocol: HTTPProtobuf, Headers: "authorization=Bearer tok k=v k2=v2", TLS: true, Gzip: true,
				Timeout: 2 * time.Second, Batch: Batch{10, std.Linger, std.Queue}, Roots: true, Pair: true,
			},
		},
		"environment": {
			`{}`,
			[]string{
				e + "ENDPOINT=https://h:1/x", e + "PROTOCOL=http/protobuf", e + "HEADERS=K=a%20b , k2 = v2,", e + "COMPRESSION=gzip",
				e + "TIMEOUT=2000", e + "CERTIFICATE=" + caFile, e + "CLIENT_KEY=" + keyFile, e + "CLIENT_CERTIFICATE=" + certFile,
			},
			summary{
				URL: "https://h:1/x/v1/traces", Protocol: HTTPProtobuf, Headers: "k=a b k2=v2", TLS: true, Gzip: true,
				Timeout: 2 * time.Second, Batch: std, Roots: true, Pair: true,
			},
		},
		"of traces first": {
			`{}`,
			[]string{
				e + "TRACES_ENDPOINT=http://127.0.0.1:1/as/is", e + "TRACES_PROTOCOL=http/protobuf", e + "TRACES_HEADERS=k=1", e + "TRACES_COMPRESSION=none", e + "TRACES_TIMEOUT=7",
				e + "ENDPOINT=://", e + "PROTOCOL=x", e + "HEADERS=x", e + "COMPRESSION=x", e + "TIMEOUT=x",
			},
			summary{URL: "http://127.0.0.1:1/as/is", Protocol: HTTPProtobuf, Headers: "k=1", Timeout: 7 * time.Millisecond, Batch: std},
		},
		"auth before the environment's headers": {
			`{"auth":{"bearer":"mine"}}`,
			[]string{e + "HEADERS=authorization=theirs,k=1"},
			summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Headers: "authorization=Bearer mine k=1", Timeout: 10 * time.Second, Batch: std},
		},
		"no headers at all": {
			`{"headers":{}}`,
			[]string{e + "HEADERS=k=1"},
			summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: std},
		},
		"root path as it is": {
			`{"protocol":"http/protobuf"}`,
			[]string{e + "TRACES_ENDPOINT=https://h"},
			summary{URL: "https://h:443/", Protocol: HTTPProtobuf, TLS: true, Timeout: 10 * time.Second, Batch: std},
		},
		"implied protocol": {
			`{}`,
			[]string{e + "ENDPOINT=http://127.0.0.1:4318"},
			summary{URL: "http://127.0.0.1:4318/v1/traces", Protocol: HTTPProtobuf, Timeout: 10 * time.Second, Batch: std},
		},
		"implied by path": {
			`{}`,
			[]string{e + "ENDPOINT=https://h/otlp"},
			summary{URL: "https://h:443/otlp/v1/traces", Protocol: HTTPProtobuf, TLS: true, Timeout: 10 * time.Second, Batch: std},
		},
		"insecure": {
			`{}`,
			[]string{e + "ENDPOINT=h:1", e + "INSECURE=TRUE"},
			summary{URL: "http://h:1", Protocol: GRPC, Timeout: 10 * time.Second, Batch: std},
		},
		"insecure is not for the config": {
			`{"endpoint":"h:1"}`,
			[]string{e + "INSECURE=true"},
			summary{URL: "https://h:1", Protocol: GRPC, TLS: true, Timeout: 10 * time.Second, Batch: std},
		},
		"certificates are not for plain text": {
			`{}`,
			[]string{e + "CERTIFICATE=/absent"},
			summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: std},
		},
		"a long timeout of the environment": {
			`{}`,
			[]string{e + "TIMEOUT=60000"},
			summary{URL: "http://127.0.0.1:4317", Protocol: GRPC, Timeout: 10 * time.Second, Batch: std},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := resolve(tc.config, tc.env...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, summarize(s)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSecretsAreNotShown prints settings and configs in all the ways there are.
func TestSecretsAreNotShown(t *testing.T) {
	const text = `{"headers":{"k":"` + canary + `"},"auth":{"bearer":"` + canary + `","api_key":{"header":"k2","value":"` + canary + `"}}`
	var cfg config
	if err := json.Unmarshal([]byte(text+`,"tls":{"key":"`+canary+`"}}`), &cfg); err != nil {
		t.Fatal(err)
	}
	s, err := resolve(text + "}")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, v := range []any{s, &s, cfg, &cfg, s.Headers, struct{ hidden Secret }{s.Headers["k"]}, NewSecret(canary)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		js, err := json.Marshal(v)
		fmt.Fprintln(&b, string(js), err)
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	}
	if strings.Contains(b.String(), canary) || strings.Contains(b.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("a secret is shown in\n%s", b.String())
	}
	var zero Secret
	if zero.Reveal() != "" {
		t.Error("the zero secret is not empty")
	}
}

func TestRedact(t *testing.T) {
	s := Settings{Headers: map[string]Secret{
		"authorization": NewSecret("Bearer " + canary), "k": NewSecret(`a"b/` + canary), "short": NewSecret("abc"), "x-scope-orgid": NewSecret("tenant-7"),
	}}
	for in, want := range map[string]string{
		"bad token " + canary:                     "bad token ***",
		"got Bearer " + canary + "!":              "got ***!",
		`{"key":"a\"b/` + canary + `"}`:           `{"key":"***"}`,
		"?k=a%22b%2F" + canary:                    "?k=***",
		strings.ToUpper(canary):                   "***",
		"abc of tenant-7, Bearer realm=collector": "abc of tenant-7, Bearer realm=collector",
	} {
		if got := s.Redact(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func FuzzHeadersOfEnvironment(f *testing.F) {
	f.Add("k=v,k2=%20")
	f.Add("Authorization: Bearer x")
	f.Add("a=b=c,,=,%")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := resolve(`{}`, "OTEL_EXPORTER_OTLP_HEADERS="+text)
		if err != nil {
			return
		}
		for name, value := range s.Headers {
			if strings.ContainsFunc(name, notToken) || strings.ContainsAny(value.Reveal(), "\r\n\x00") {
				t.Errorf("%q gives the header %q: %q", text, name, value.Reveal())
			}
		}
	})
}

// FuzzRedact: no text that a collector makes shows a key.
func FuzzRedact(f *testing.F) {
	f.Add("s3cret", "bad key s3cret")
	f.Add("Bearer a.b-c~d", "got a.b-c~d")
	f.Add("aaaa", "aaaaaaa")
	f.Add("a***", "aa******")
	f.Fuzz(func(t *testing.T, key, text string) {
		key = strings.TrimSpace(key)
		if len(key) < minSecret || strings.Contains(key, "*") || strings.EqualFold(key, "bearer") || strings.EqualFold(key, "basic") {
			t.Skip()
		}
		s := Settings{Headers: map[string]Secret{"k": NewSecret(key), "k2": NewSecret("Bearer " + key)}}
		for _, text := range []string{text, text + key, key + text, text + key + text} {
			if out := s.Redact(text); strings.Contains(out, key) {
				t.Errorf("the key %q is in %q, from %q", key, out, text)
			}
		}
	})
}
