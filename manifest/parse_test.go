package manifest_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spanloom/spanloom/manifest"
)

func parse(t *testing.T, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Parse("spanloom.yaml", []byte(text), options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParse(t *testing.T) {
	got, err := manifest.Load("testdata/good/full.yaml", options)
	if err != nil {
		t.Fatal(err)
	}
	queue := manifest.Queue{Bytes: 64 << 20, Overflow: "drop_newest"}
	delivery := manifest.Delivery{MaxBytes: 1 << 30, MaxAge: 7 * 24 * time.Hour}
	want := &manifest.Manifest{
		Version: "1.0",
		Telemetry: manifest.Telemetry{
			Enabled: false,
			Service: manifest.Service{
				Name: "billing", Version: "4711", Namespace: "a $ b ${env:NO} x", Product: "shop", Mode: "staging",
			},
			Attributes: map[string]string{"team.name": "payments", "k8s.pod.label/app": ""},
			Backends: []manifest.Backend{
				{Plugin: "console", Name: "console", Config: json.RawMessage(`{"anything":[1,2.5,true,null,"2001-01-01","\u003c\u003c"]}`), Env: []string{}, StartTimeout: 5 * time.Second, Queue: queue, Delivery: delivery},
				{Plugin: "otlp", Name: "main", Config: json.RawMessage(`{"endpoint":"localhost:4317","headers":{"authorization":"Bearer c4n4ry-S3CRET"},"ratio":0.5}`), Required: true, Env: []string{"COLLECTOR_TOKEN", "_x1"}, StartTimeout: 250 * time.Millisecond, Queue: manifest.Queue{Bytes: 1 << 30, Overflow: "drop_newest"}, Delivery: manifest.Delivery{Durable: true, Dir: abs(t, "testdata/good/kept"), MaxBytes: 256 << 20, MaxAge: 24 * time.Hour}},
				{Name: "mine", Command: []string{abs(t, "testdata/good/bin/spanloom-backend-mine"), "--x", abs(t, "testdata/good/kept")}, Config: json.RawMessage(`{}`), Env: []string{}, StartTimeout: 5 * time.Second, Queue: queue, Delivery: delivery},
				{Name: "up", Command: []string{abs(t, "testdata/up")}, Config: json.RawMessage(`{}`), Env: []string{}, StartTimeout: 5 * time.Second, Queue: queue, Delivery: delivery},
				{Name: "other", Command: []string{"/opt/other"}, Config: json.RawMessage(`{}`), Env: []string{}, StartTimeout: 5 * time.Second, Queue: queue, Delivery: delivery},
			},
			Sampling: manifest.Sampling{
				Ratio: 0.25, ByMode: manifest.ByMode{Dev: 1, Staging: 0.25, Prod: 0},
				Keep: []string{"failed", "slow"}, Slow: time.Minute,
			},
			Trace:           manifest.Trace{Mode: "linked", MapItems: "failed_and_slow", MaxPerMap: 50},
			Capture:         manifest.Capture{Inputs: true, Outputs: true, Limit: 1024, Redact: []string{"customer id", "*iban*", "^x[0-9]+$"}},
			Propagation:     manifest.Propagation{TrustIncoming: true, Baggage: []string{"tenant.id"}, Hosts: []string{"api.example.com", ".internal", "10.0.0.7", "::1"}},
			Logs:            manifest.Logs{Level: "warn", Format: "text", Forward: false},
			ShutdownTimeout: 90 * time.Second,
		},
		Plugins: manifest.Plugins{Dirs: []string{abs(t, "testdata/good/a"), "/opt/backends"}, Lock: abs(t, "testdata/good/deploy/x.lock")},
		File:    "testdata/good/full.yaml",
		Dir:     abs(t, "testdata/good"),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(manifest.Manifest{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	got := parse(t, "version: '1'\n")
	want := &manifest.Manifest{
		Version: "1",
		Telemetry: manifest.Telemetry{
			Enabled: true, Attributes: map[string]string{}, Backends: []manifest.Backend{},
			Sampling:        manifest.Sampling{Ratio: 1, ByMode: manifest.ByMode{Dev: 1, Staging: 0.5, Prod: 0.1}, Keep: []string{}, Slow: 10 * time.Second},
			Trace:           manifest.Trace{Mode: "single", MapItems: "all", MaxPerMap: 1000},
			Capture:         manifest.Capture{Limit: 256, Redact: []string{}},
			Propagation:     manifest.Propagation{Baggage: []string{}, Hosts: []string{}},
			Logs:            manifest.Logs{Level: "info", Format: "json", Forward: true},
			ShutdownTimeout: 3 * time.Second,
		},
		Plugins: manifest.Plugins{Dirs: []string{abs(t, ".spanloom/backends")}, Lock: abs(t, "spanloom.lock")},
		File:    "spanloom.yaml",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(manifest.Manifest{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSubstitution(t *testing.T) {
	tests := []struct{ scalar, want string }{
		{`${env:NAME}`, `"billing"`},
		{`"${env:DIGITS}"`, `"4711"`},
		{`${env:DIGITS}`, `4711`},
		{`${env:ON}`, `false`},
		{`!!str ${env:ON}`, `"false"`},
		{`${env:EMPTY}`, `""`},
		{`${env:EMPTY:-fallback}`, `"fallback"`},
		{`${env:NOPE:-}`, `""`},
		{`${env:NOPE:-7}`, `7`},
		{`${env:NOPE:-a:-b}`, `"a:-b"`},
		{`${env:NAME:-x}`, `"billing"`},
		{`a ${env:NAME}-${env:DIGITS} b`, `"a billing-4711 b"`},
		{`${env:YAML}`, `"x, y: [1]"`},
		{`$$`, `"$"`},
		{`$${env:NAME}`, `"${env:NAME}"`},
		{`$$$${env:NAME}`, `"$${env:NAME}"`},
		{`$$${env:NAME}`, `"$billing"`},
		{`$HOME costs $5`, `"$HOME costs $5"`},
		{`"a$"`, `"a$"`},
		{`$$5`, `"$5"`},
		{"|\n          x ${env:NAME}", `"x billing\n"`},
		{`{"${env:NAME}": 1}`, `{"${env:NAME}":1}`},
		{`["${env:NAME}", '${env:ON}']`, `["billing","false"]`},
		{`0x10`, `16`},
		{`18446744073709551615`, `18446744073709551615`},
		{`<<`, `"\u003c\u003c"`},
	}
	for _, tt := range tests {
		t.Run(tt.scalar, func(t *testing.T) {
			m := parse(t, "version: \"1\"\ntelemetry:\n  backends:\n    - plugin: console\n      config:\n        v: "+tt.scalar+"\n")
			if got, want := string(m.Telemetry.Backends[0].Config), `{"v":`+tt.want+`}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct{ text, want string }{
		{"version: \"1.3\"\n", `spanloom.yaml:1:10: version: version "1.3" is newer than this program, which reads "1.0"; its newer keys are errors`},
		{backend("console") + "      delivery: {durable: true}\n", `spanloom.yaml:5:27: telemetry.backends[0].delivery.durable: the service has no name, without which spanloom spool replay does not send what is kept; write telemetry.service.name, or set OTEL_SERVICE_NAME`},
		{backend("broken"), `spanloom.yaml:4:15: telemetry.backends[0].plugin: the config of backend "broken" is not checked: its schema is invalid: it is not a JSON schema at /type`},
		{backend("remote"), `spanloom.yaml:4:15: telemetry.backends[0].plugin: the config of backend "remote" is not checked: its schema is invalid: failing loading "file:///etc/passwd": references to other documents are not followed`},
		{backend("text"), `spanloom.yaml:4:15: telemetry.backends[0].plugin: the config of backend "text" is not checked: its schema is invalid: unexpected EOF`},
	}
	for _, tt := range tests {
		m := parse(t, tt.text)
		if len(m.Warnings) != 1 || m.Warnings[0].Error() != tt.want {
			t.Errorf("got %v, want %s", m.Warnings, tt.want)
		}
	}
}

func backend(plugin string) string {
	return "version: \"1\"\ntelemetry:\n  backends:\n    - plugin: " + plugin + "\n"
}

func TestBackendsIsAskedWithAbsoluteDirs(t *testing.T) {
	var asked [][]string
	o := manifest.Options{Backends: func(dirs []string) []manifest.KnownBackend {
		asked = append(asked, dirs)
		return nil
	}}
	text := backend("a") + "    - plugin: b\nplugins: {dirs: [x, ../y]}\n"
	_, err := manifest.Parse("conf/spanloom.yaml", []byte(text), o)
	const want = `conf/spanloom.yaml:4:15: telemetry.backends[0].plugin: no backend "a"; available: none
conf/spanloom.yaml:5:15: telemetry.backends[1].plugin: no backend "b"; available: none`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff([][]string{{abs(t, "conf/x"), abs(t, "y")}}, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	asked = nil
	if _, err := manifest.Parse("spanloom.yaml", []byte("version: \"1\"\n"), o); err != nil || asked != nil {
		t.Errorf("asked %v without a plugin; %v", asked, err)
	}
}

func TestErrorfPlaces(t *testing.T) {
	m := parse(t, `version: "1"
telemetry:
  backends:
    - plugin: console
      config: {"a b": [x, {é: 1}]}
    - name: two
      command: [./x,
        y]
`)
	tests := []struct{ path, want string }{
		{"", "1:1"},
		{"version", "1:10"},
		{"telemetry", "3:3"},
		{"telemetry.backends[0].plugin", "4:15"},
		{`telemetry.backends[0].config["a b"][1]["é"]`, "5:31"},
		{"telemetry.backends[1]", "6:7"},
		{"telemetry.backends[1].command", "7:16"},
		{"telemetry.backends[1].command[1]", "8:9"},
		{"telemetry.backends[1].config.endpoint", "6:7"},
		{"telemetry.shutdown_timeout", "3:3"},
		{"plugins.dirs[0]", "1:1"},
	}
	for _, tt := range tests {
		want := "spanloom.yaml:" + tt.want + ": " + tt.path + ": at 7"
		if tt.path == "" {
			want = "spanloom.yaml:" + tt.want + ": at 7"
		}
		if got := m.Errorf(tt.path, "at %d", 7).Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := (&manifest.Manifest{File: "f"}).Errorf("a", "b").Error(); got != "f:1:1: a: b" {
		t.Errorf("without a document: %s", got)
	}
}
