package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/callbacks"
)

// lazy is a value that is found out when it is logged.
type lazy struct{ v slog.Value }

func (l lazy) LogValue() slog.Value { return l.v }

// top is the depth of attributes that are in no other.
const top = 2

func drawAttrs(t *rapid.T, depth int) []slog.Attr {
	var list []slog.Attr
	for range rapid.IntRange(0, 3).Draw(t, "attributes") {
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key")
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			key = rapid.SampledFrom([]string{"", "f", "g"}).Draw(t, "group")
			list = append(list, slog.Attr{Key: key, Value: slog.GroupValue(drawAttrs(t, depth-1)...)})
		case kind == 1:
			list = append(list, slog.Any(key, lazy{slog.IntValue(rapid.Int().Draw(t, "value"))}))
		case kind == 2 && depth == top: // of a group with nothing else slog.JSONHandler makes no JSON
			list = append(list, slog.Attr{})
		default:
			list = append(list, slog.String(key, rapid.String().Draw(t, "value")))
		}
	}
	return list
}

// TestPlaceIsAllThatIsAdded gives the same to a bare handler and to one that adds
// the place: without the place both say the same, in whatever groups.
func TestPlaceIsAllThatIsAdded(t *testing.T) {
	root := run(context.Background())
	item := inside(inside(root, callbacks.KindMap, "embed", -1, 1), callbacks.KindMapItem, "embed", 7, 1)
	rapid.Check(t, func(t *rapid.T) {
		var bare, ours bytes.Buffer
		opts := &slog.HandlerOptions{ReplaceAttr: noTime}
		b, o := slog.New(slog.NewJSONHandler(&bare, opts)), slog.New(NewHandler(slog.NewJSONHandler(&escaper{&ours}, opts)))
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "group") {
				name := rapid.SampledFrom([]string{"", "g", "h"}).Draw(t, "name")
				b, o = b.WithGroup(name), o.WithGroup(name)
				continue
			}
			attrs := drawAttrs(t, top)
			b, o = slog.New(b.Handler().WithAttrs(attrs)), slog.New(o.Handler().WithAttrs(attrs))
		}
		attrs := drawAttrs(t, top)
		b.LogAttrs(item, slog.LevelInfo, "m", attrs...)
		o.LogAttrs(item, slog.LevelInfo, "m", attrs...)

		want, got := leaves(t, bare.Bytes()), leaves(t, ours.Bytes())
		place := 0
		got = slices.DeleteFunc(got, func(leaf string) bool {
			key, _, _ := strings.Cut(leaf, "=")
			if fieldOf(key) != 0 {
				place++
				return true
			}
			return false
		})
		if diff := cmp.Diff(want, got); diff != "" || place != maxPlace {
			t.Fatalf("%d fields (-bare +ours):\n%s\n%s%s", place, diff, bare.String(), ours.String())
		}
	})
}

// leaves returns the values of a line in their order, each with the way to it.
// Groups without any are not there: slog.JSONHandler writes some and some not.
func leaves(t *rapid.T, line []byte) []string {
	var list []string
	var object func(d *json.Decoder, prefix string)
	object = func(d *json.Decoder, prefix string) {
		for d.More() {
			key, err := d.Token()
			if err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			value, err := d.Token()
			if err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			if value == json.Delim('{') {
				object(d, prefix+key.(string)+"/")
				continue
			}
			list = append(list, fmt.Sprintf("%s%s=%v", prefix, key, value))
		}
		_, _ = d.Token() // the end
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	object(d, "")
	return list
}
