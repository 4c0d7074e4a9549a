package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// attacks is what somebody might put into a value that is logged.
var attacks = []string{
	"two\nlines", "carriage\rreturn", "\x1b[2J\x1b[1;1H", "\x1b]0;title\x07", "\x1b]8;;http://evil\x1b\\link",
	"\u202Eevil", "\u2066\u2067\u2068\u2069", "\u200E\u200F\u061C", "line\u2028para\u2029", "next\u0085line",
	"\u009B31m", "\u0090dcs\u009C", "del\x7f", "\x00\x01\x08\x0b\x0c", "zero\u200B\u200C\u200D\u2060\uFEFFwidth",
	"tag\U000E0041\U000E007F", "invalid\xff\xc0\xaf\xed\xa0\x80", "half\xe2\x80", "\uFFFD", "private\uE000\U0010FFFF",
	`" } {"level":"ERROR`, `a=b level=ERROR msg="x"`, "\\u202e", "</script>", "\u65E5\u672C é 🙂", "👩‍👩‍👧", "soft\u00ADhyphen", "nbsp\u00A0",
}

type stringer string

func (s stringer) String() string { return string(s) }

type textual string

func (s textual) MarshalText() ([]byte, error) { return []byte(s), nil }

type jsonner string

// MarshalJSON returns JSON of more than one line, in which nothing is escaped
// that need not be.
func (s jsonner) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode([]string{string(s)})
	return b.Bytes(), err
}

// everywhere logs s wherever a record has room for it.
func everywhere(l *slog.Logger, s string) {
	l.With(s, s).WithGroup("g"+s).Info(s, s, s, //nolint:sloglint // whatever text
		"error", errors.New(s), "stringer", stringer(s), "text", textual(s), "json", jsonner(s),
		"raw", json.RawMessage(strconv.Quote("x")), "bytes", []byte(s), "struct", struct{ A string }{s},
		"map", map[string]any{s: s}, slog.Group(s, slog.String(s, s)))
}

// TestNothingIsInjected holds that a record is one line, in which nothing steers
// a terminal or deceives a reader.
func TestNothingIsInjected(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		for _, s := range attacks {
			checkLine(t, format, s)
		}
	}
}

func checkLine(t *testing.T, format, s string) {
	t.Helper()
	var b bytes.Buffer
	l, err := New(&b, Config{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	everywhere(l, s)
	line, ok := strings.CutSuffix(b.String(), "\n")
	if !ok {
		t.Errorf("%s of %q: no end of the line", format, s)
	}
	if !utf8.ValidString(line) {
		t.Errorf("%s of %q: not valid UTF-8: %q", format, s, line)
	}
	for _, r := range line {
		if !strconv.IsPrint(r) {
			t.Errorf("%s of %q: the line has %U: %q", format, s, r, line)
			return
		}
	}
}

// TestEscapedMeansTheSame holds that a reader of JSON sees what was logged.
func TestEscapedMeansTheSame(t *testing.T) {
	for _, s := range attacks {
		checkSame(t, s)
	}
}

func checkSame(t *testing.T, s string) {
	t.Helper()
	var plain, escaped bytes.Buffer
	opts := &slog.HandlerOptions{ReplaceAttr: noTime}
	everywhere(slog.New(slog.NewJSONHandler(&plain, opts)), s)
	everywhere(slog.New(slog.NewJSONHandler(&escaper{&escaped}, opts)), s)
	var want, got any
	if err := json.Unmarshal(plain.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(escaped.Bytes(), &got); err != nil {
		t.Fatalf("%q: %v in %s", s, err, escaped.String())
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%q means %v, want %v", s, got, want)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkLine(t, "json", s)
		checkLine(t, "text", s)
		checkSame(t, s)
	})
}

type brokenWriter struct{ calls int }

func (w *brokenWriter) Write([]byte) (int, error) {
	w.calls++
	return 0, errors.New("disk full")
}

func TestWriterThatFails(t *testing.T) {
	w := &brokenWriter{}
	l, err := New(w, Config{})
	if err != nil {
		t.Fatal(err)
	}
	l.Info("m")
	l.Info("\u202E")
	if w.calls != 2 {
		t.Errorf("%d writes, want one for each record", w.calls)
	}
	if n, err := (&escaper{w}).Write([]byte("\u202E")); n != 0 || err == nil {
		t.Errorf("%d, %v; want 0 and the writer's error", n, err)
	}
}

func TestPrintableCostsNothing(t *testing.T) {
	e, line := &escaper{&bytes.Buffer{}}, []byte(`{"level":"INFO","msg":"déjà vu 🙂"}`+"\n")
	e.to.(*bytes.Buffer).Grow(1 << 20)
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Write(line) }); n != 0 {
		t.Errorf("%v allocations for a line that prints, want 0", n)
	}
}
