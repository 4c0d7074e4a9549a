package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/internal/capture"
)

const everything = 1 << 20

func text(v any) string { return capture.JSON(everything, nil, v) }

type (
	inner    struct{ A, B int }
	named    struct{ A int }
	Embedded struct {
		inner
		named
		*Other

		B string
	}
	Other   struct{ C, D any }
	options struct {
		Name    string  `json:"name"`
		None    int     `json:"-"`
		Dash    int     `json:"-,"` //nolint:staticcheck // a field named "-"
		Empty   []int   `json:",omitempty"`
		Zero    inner   `json:"zero,omitzero"`
		Quoted  int     `json:",string"`
		Pointer *bool   `json:"p,string"`
		Float   float32 `json:"f,string,omitempty"`
		Odd     int     `json:"a\"b"` //nolint:staticcheck // encoding/json does not take it
		hidden  int
	}
	key     struct{ a, b string }
	pointer struct{ n int }
	bytez   []byte
	loop    *loop
	list    struct {
		Next *list
		N    int
	}
)

func (k key) MarshalText() ([]byte, error)      { return []byte(k.a + k.b), nil }
func (p *pointer) MarshalJSON() ([]byte, error) { return []byte(`"hidden"`), nil }

// What encoding/json says, for all that it takes.
func TestAsEncodingJSON(t *testing.T) {
	t.Parallel()
	yes := true
	addr := netip.MustParseAddr("10.0.0.1")
	for _, v := range []any{
		nil, true, 0, -7, uint8(200), int64(math.MinInt64), uint64(math.MaxUint64), 1.0, 1e21, 1e-7, 1.5e-300, 100000.0,
		float32(1e-7), float32(3.4e38), float32(0.1), math.Copysign(0, -1), "", "a\"\\\n\r\t\b\f\x01\x7f", "äöü€😀\u2028\u2029",
		"\xff a \xc3", "<a&b>", []byte(nil),
		[]byte{},
		[]byte{1},
		[]byte{1, 2},
		[]byte{1, 2, 3, 4},
		bytez("x"),
		[3]byte{1, 2, 3},
		[]string(nil),
		[]string{},
		[]any{1, "a", nil, []int{2}},
		[2]bool{true},
		map[string]int(nil),
		map[string]int{},
		map[string]any{"b": 1, "a": map[int]string{-1: "x", 10: "y", 2: "z"}},
		map[key]int{{"a", "b"}: 1, {"", "c"}: 2},
		map[netip.Addr]bool{addr: true},
		inner{1, 2},
		&inner{1, 2},
		Embedded{B: "x"},
		Embedded{Other: &Other{C: 1}},
		options{},
		options{Name: "n", None: 1, Dash: 2, Empty: []int{1}, Zero: inner{1, 2}, Quoted: 7, Pointer: &yes, Float: 0.5, hidden: 3},
		time.Unix(0, 0).UTC(), time.Second, json.Number("1.50"), json.Number(""), json.RawMessage(` { "a" : [ 1 , "b\u00e4" , null ] , "c":{} } `),
		addr, big.NewInt(7), &pointer{1}, (*pointer)(nil),
		[]*inner{nil, {}},
		struct{}{},
		errors.New("x"), new(any),
		json.RawMessage(`[[],[{}],"\ud83d\ude00",-1.5e+3,true,false]`),
		map[uint16]float64{7: 1.25},
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		if err := enc.Encode(v); err != nil {
			t.Fatalf("%T: %v", v, err)
		}
		var a, b any
		got := text(v)
		if err := json.Unmarshal([]byte(got), &a); err != nil {
			t.Errorf("%T: %s: %v", v, got, err)
		}
		_ = json.Unmarshal(want.Bytes(), &b)
		if _, decoded := v.(json.RawMessage); !decoded && got != strings.TrimSuffix(want.String(), "\n") || !reflect.DeepEqual(a, b) {
			t.Errorf("%T: %s, want %s", v, got, &want)
		}
	}
}

func TestAnything(t *testing.T) {
	t.Parallel()
	value := rapid.Deferred(func() *rapid.Generator[any] { return anything(4) })
	rapid.Check(t, func(t *rapid.T) {
		v := value.Draw(t, "value")
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		whole := strings.TrimSuffix(want.String(), "\n")
		if got := text(v); got != whole {
			t.Fatalf("%s, want %s", got, whole)
		}
		limit := rapid.IntRange(0, len(whole)+2).Draw(t, "limit")
		got := capture.JSON(limit, nil, v)
		begin, cut := strings.CutSuffix(got, "..."[:min(limit, 3)])
		switch {
		case limit >= len(whole):
			cut, begin = true, got
		case limit-len(begin) > 6: // dots and what is left of a rune
			t.Fatalf("only %d of %d: %s", len(got), limit, got)
		}
		if !cut || len(got) > limit || !strings.HasPrefix(whole, begin) || !utf8.ValidString(got) {
			t.Fatalf("%d: %s of %s", limit, got, whole)
		}
	})
}

func anything(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Int().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.String().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(), rapid.Just[any](nil),
	}
	if depth > 0 {
		in := anything(depth - 1)
		kinds = append(kinds, rapid.SliceOfN(in, 0, 5).AsAny(), rapid.MapOfN(rapid.String(), in, 0, 5).AsAny(),
			rapid.Map(in, func(v any) any { return &v }), rapid.Map(in, func(v any) any { return Other{C: v} }))
	}
	return rapid.OneOf(kinds...)
}

func TestWhatHasNoForm(t *testing.T) {
	t.Parallel()
	var self loop
	self = &self
	ring := &list{N: 1}
	ring.Next = ring
	deep := any(1)
	for range 2000 {
		deep = []any{deep}
	}
	type fn struct {
		F func()
		N int
	}
	for _, tt := range []struct {
		v     any
		limit int
		want  string
	}{
		{make(chan int), 100, "<unserializable: chan int>"},
		{make(chan int), 10, "<unseri..."},
		{[]any{make(chan int), 1}, 100, `["<unserializable: chan int>",1]`},
		{fn{N: 1}, 100, `{"F":"<unserializable: func()>","N":1}`},
		{map[bool]int{true: 1}, 100, "<unserializable: map[bool]int>"},
		{complex(1, 2), 100, "<unserializable: complex128>"},
		{[]float64{math.NaN(), math.Inf(1), math.Inf(-1)}, 100, `["NaN","Infinity","-Infinity"]`},
		{pointer{1}, 100, `"hidden"`}, // without an address too
		{[]any{pointer{1}}, 100, `["hidden"]`},
		{self, 100, "<unserializable: capture_test.loop>"},
		{ring, 40, `{"Next":{"Next":{"Next":{"Next":{"Nex...`},
		{deep, 10, "[[[[[[[..."},
		{json.Number("1e"), 100, "<unserializable: json.Number>"},
		{json.RawMessage("{"), 100, "<unserializable: json.RawMessage>"},
		{[]any{json.RawMessage(`{"a":[1,}`)}, 100, `["<unserializable: json.RawMessage>"]`},
		{json.RawMessage("1 2"), 100, "<unserializable: json.RawMessage>"},
		{time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), 100, "<unserializable: time.Time>"},
		{panics{}, 100, "<unserializable: capture_test.panics>"},
		{map[panics]int{{}: 1}, 100, "<unserializable: map[capture_test.panics]int>"},
		{"äöü", 6, `"ä...`},
		{"äöü", 5, `"...`},
		{"abc", 2, `..`},
		{"abc", 0, ``},
		{"abc", -1, ``},
		{"abc", math.MaxInt, `"abc"`},
	} {
		if got := capture.JSON(tt.limit, nil, tt.v); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.v, got, tt.want)
		}
	}
	if got := text(deep); !strings.Contains(got, "unserializable") {
		t.Error("what is nested 2000 deep has all its depth")
	}
	if got := capture.JSON(100, &pass{}, "<a&b>"); got != `"<a&b>"` {
		t.Error(got)
	}
	if got := capture.JSON(100, nil, 1, "a", nil) + capture.JSON(100, nil); got != `[1,"a",null]` {
		t.Error(got)
	}
}

type panics struct{}

func (panics) MarshalText() ([]byte, error) { panic("no") }
