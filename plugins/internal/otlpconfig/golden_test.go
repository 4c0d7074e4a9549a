package otlpconfig

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
)

var update = flag.Bool("update", false, "write the golden files anew")

// canary stands wherever a value could be a secret.
const canary = "s3cret-canary"

// resolve resolves a config in an environment of lines NAME=value.
func resolve(config string, env ...string) (Settings, error) {
	lookup := func(name string) string {
		for _, kv := range env {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				return v
			}
		}
		return ""
	}
	return Resolve(backend.Config{Name: "otlp", JSON: json.RawMessage(config)}, Profile{
		Env: lookup, Ports: map[int]string{16686: "port 16686 is Jaeger's web page"},
	})
}

// TestMistakes holds the texts of all mistakes, and that each of them has a key
// of the config and shows no value.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty.pem": "", "bad.pem": canary, "large.pem": strings.Repeat("x", maxPEM+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	pem := "-----BEGIN CERTIFICATE-----\\n" + canary + "\\n-----END CERTIFICATE-----\\n"
	cases := []struct {
		config string
		env    []string
	}{
		{`{"endpoint": "grpc://` + canary + `:1"}`, nil},
		{`{"endpoint": "http://u:` + canary + `@h:1"}`, nil},
		{`{"endpoint": "https://h:1/v1/traces"}`, nil},
		{`{"endpoint": "https://h:1/v1/logs", "protocol": "http/protobuf"}`, nil},
		{`{"endpoint": "http://h:4318"}`, nil},
		{`{"endpoint": "http://h:4317", "protocol": "http/protobuf"}`, nil},
		{`{"endpoint": "http://h:16686"}`, nil},
		{`{"endpoint": "http://h"}`, nil},
		{`{"protocol": "` + canary + `"}`, nil},
		{`{"protocol": "http/json"}`, nil},
		{`{"compression": "` + canary + `"}`, nil},
		{`{"timeout": "` + canary + `"}`, nil},
		{`{"timeout": "0s"}`, nil},
		{`{"timeout": "11s"}`, nil},
		{`{"headers": {"x y": "` + canary + `"}}`, nil},
		{`{"headers": {"x": "a\n` + canary + `"}}`, nil},
		{`{"headers": {"Content-Type": "` + canary + `", "grpc-timeout": "` + canary + `", "k-bin": "` + canary + `"}}`, nil},
		{`{"headers": {"Key": "` + canary + `", "key": "` + canary + `"}}`, nil},
		{`{"headers": {"Authorization": "` + canary + `"}, "auth": {"bearer": "` + canary + `"}}`, nil},
		{`{"headers": {"x-key": "` + canary + `"}, "auth": {"api_key": {"header": "X-Key", "value": "` + canary + `"}}}`, nil},
		{`{"auth": {"bearer": "a", "api_key": {"header": "authorization", "value": "` + canary + `"}}}`, nil},
		{`{"auth": {"bearer": " "}}`, nil},
		{`{"auth": {"bearer": "Bearer ` + canary + `"}}`, nil},
		{`{"auth": {"bearer": "two ` + canary + `"}}`, nil},
		{`{"auth": {"api_key": {}}}`, nil},
		{`{"auth": {"api_key": {"header": "x-key"}}}`, nil},
		{`{"auth": {"api_key": {"header": "` + canary + ` ", "value": "` + canary + `"}}}`, nil},
		{`{"endpoint": "http://h:1", "auth": {"bearer": "` + canary + `"}}`, nil},
		{`{"endpoint": "http://h:1", "auth": {"api_key": {"header": "k", "value": "` + canary + `"}}}`, nil},
		{`{"endpoint": "http://h:1", "headers": {"x-honeycomb-team": "` + canary + `"}}`, nil},
		{`{"tls": {"ca": "absent.pem"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"ca": "absent.pem", "cert": "", "key": "."}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"ca": "empty.pem"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"ca": "large.pem"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"ca": "` + pem + `"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"cert": "bad.pem"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"key": "bad.pem"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"cert": "bad.pem", "key": "` + pem + `"}}`, nil},
		{`{"endpoint": "https://h:1", "tls": {"server_name": "https://h"}}`, nil},
		{`{"batch": "` + canary + `"}`, nil},
		{`{"batch": {"size": 0}}`, nil},
		{`{"batch": {"size": 513, "queue": 65537, "linger": "2s"}}`, nil},
		{`{"batch": {"size": 200, "queue": 100}}`, nil},
		{`{"batch": {"linger": "` + canary + `"}}`, nil},
		{`{"batch": [1]}`, nil},
		{
			`{"endpoint": "x://h", "protocol": "grpc", "headers": {"te": ""}, "auth": {"bearer": ""}, "tls": {"ca": ""},
			  "compression": "br", "batch": {"size": 9, "queue": 8}, "timeout": "-1s"}`, nil,
		},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:" + canary + "@h"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_ENDPOINT=h"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_COMPRESSION=" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_TIMEOUT=10s"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_TIMEOUT=0"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_INSECURE=" + canary, "OTEL_EXPORTER_OTLP_ENDPOINT=h:1"}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_HEADERS=Authorization: Bearer " + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_HEADERS=ok=1,k=%zz" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_HEADERS=k=a%0a" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_HEADERS=bad name=" + canary}},
		{`{}`, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:1", "OTEL_EXPORTER_OTLP_HEADERS=k=" + canary}},
		{`{"endpoint": "https://h"}`, []string{"OTEL_EXPORTER_OTLP_CERTIFICATE=absent.pem"}},
		{`{"endpoint": "https://h"}`, []string{"OTEL_EXPORTER_OTLP_CLIENT_KEY=" + canary}},
		{`{"endpoint": "https://h"}`, []string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + canary}},
		{`{"endpoint": "https://h"}`, []string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=bad.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY=bad.pem"}},
	}
	var out strings.Builder
	for _, tc := range cases {
		fmt.Fprintf(&out, "%s\n", strings.Join(append(tc.env, tc.config), "\n"))
		_, err := resolve(tc.config, tc.env...)
		if err == nil {
			t.Errorf("%s %s is accepted", tc.config, tc.env)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("a value is shown: %v", err)
		}
		list := backend.AsConfigErrors(err)
		if got := strings.Count(err.Error(), "\n") + 1; len(list) != got {
			t.Errorf("%d config errors in %d lines: %v", len(list), got, err)
		}
		for _, e := range list {
			if e.Key == "" {
				t.Errorf("no key: %v", e)
			}
			fmt.Fprintf(&out, "\t%s\n", e)
		}
	}
	golden(t, "mistakes.txt", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	// The test has its working directory elsewhere.
	file := filepath.Join(source, "testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test -update writes it\n%s", name, diff)
	}
}

// source is the directory of this package.
var source, _ = os.Getwd()
