package capture_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spanloom/spanloom/internal/capture"
)

// names is a Redactor of what stands under "s".
type names struct{ pass }

func (*names) Key(name string) bool { return name == "s" }

func TestDocument(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"s":{"a":[1,{"b":"]}\""}],"c":null},"t":1}`:  `{"s":"[redacted]","t":1}`,
		`[{"s":1},{"s":"x"},{"s":[]},{"\u0073":true}]`: `[{"s":"[redacted]"},{"s":"[redacted]"},{"s":"[redacted]"},{"s":"[redacted]"}]`,
		`{"s":}`:     `<unserializable: json.RawMessage>`,
		`{"s":[1}`:   `<unserializable: json.RawMessage>`,
		`{"s":"x`:    `<unserializable: json.RawMessage>`,
		`{"a" 1}`:    `<unserializable: json.RawMessage>`,
		`{1:1}`:      `<unserializable: json.RawMessage>`,
		`{"a":1 2}`:  `<unserializable: json.RawMessage>`,
		`{"\x":1}`:   `<unserializable: json.RawMessage>`,
		`nul`:        `<unserializable: json.RawMessage>`,
		`{"a":[1,2]`: `<unserializable: json.RawMessage>`,
	} {
		if got := capture.JSON(1000, &names{}, json.RawMessage(text)); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
	secret := `{"a":1,"s":"` + strings.Repeat("x", 1<<20) + `","b":2}`
	if got := capture.JSON(100, &names{}, json.RawMessage(secret)); got != `{"a":1,"s":"[redacted]"...` {
		t.Error(got)
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5e-3,true,null],"b":{"c":"\ud83d\ude00\n"}}`, ` [ ] `, `"\u00e4\\"`, `{"s":{"x":"}"}}`, `[[[[`, `{"a":1,}`, `-0`, `01`, "\"\xff\"",
	} {
		f.Add([]byte(s), 20)
	}
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		whole := capture.JSON(1<<20, nil, json.RawMessage(data))
		if json.Valid(data) && strings.Count(string(data), "[")+strings.Count(string(data), "{") < 900 {
			if a, b := decoded(t, string(data)), decoded(t, whole); !reflect.DeepEqual(a, b) {
				t.Fatalf("%s became %s", data, whole)
			}
		}
		got := capture.JSON(limit, &names{}, json.RawMessage(data))
		if len(got) > max(limit, 0) || !utf8.ValidString(got) {
			t.Fatalf("%d: %q", limit, got)
		}
	})
}

// decoded returns what a text holds, with numbers as they are written.
func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
