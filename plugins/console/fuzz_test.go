package console

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// FuzzHostileTexts: whatever names and messages hold, the output has no escape
// sequence but ours, nothing that is not printable, and one line for each fact.
func FuzzHostileTexts(f *testing.F) {
	f.Add("daily", "node", "boom", "id", uint8(80), true)
	f.Add("a\x1b[2J", "b\r\nnode fake", "c\x9b31m\u202e\n\nd", "e\u2028", uint8(40), false)
	f.Add("\xff", "世界\u0085", strings.Repeat("x", 2000), "\x00", uint8(1), true) //nolint:gosmopolitan // wide on purpose
	f.Add("👩‍👩‍👧", "e\u0301\u200b", "\u2066\ufeff", "\t", uint8(0), true)
	f.Fuzz(func(t *testing.T, pipeline, node, message, id string, width uint8, terminal bool) {
		for _, verbose := range []bool{false, true} {
			var out strings.Builder
			in := newInstance(&out, layout{width: max(int(width), 1), terminal: terminal, color: true}, verbose, time.Now)
			c := hooktest.Config("p" + pipeline) // an empty name means an unknown one
			c.ID = id
			run := hooktest.Start(in, c)
			looked := run.Looked(node, callbacks.CacheLookup{Reason: message})
			looked.Retry(1, ms, errors.New(message))
			looked.OK(ms)
			run.Cached("c"+node, callbacks.NodeCached{Reason: "r" + message})
			n := run.Nested("n" + node)
			n.Node(node).Fail(ms, callbacks.ResultFailure, errors.New(message))
			n.End(callbacks.End{Result: callbacks.ResultFailure, Err: errors.New(message)})
			run.Skipped(node, message)
			run.End(callbacks.End{Result: callbacks.ResultFailure, Err: errors.New(message)})
			if err := in.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if got := strings.Count(text, "\n"); got != 9 {
				t.Errorf("%d lines, want 9:\n%q", got, text)
			}
			text = strings.NewReplacer(dim, "", green, "", red, "", reset, "", "\n", "").Replace(text)
			if !utf8.ValidString(text) {
				t.Errorf("not UTF-8: %q", text)
			}
			for _, r := range text {
				if !unicode.IsPrint(r) && r != joiner {
					t.Errorf("%q in %q", r, text)
				}
			}
		}
	})
}
