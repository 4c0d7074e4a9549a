package capture_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spanloom/spanloom/internal/capture"
)

const limit = 256

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	f() // what is kept of types
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

type huge struct{ data []byte }

func (h huge) MarshalJSON() ([]byte, error) { return h.data, nil }

type hugeText struct{ data []byte }

func (h hugeText) MarshalText() ([]byte, error) { return h.data, nil }

// pass is a Redactor that looks at everything that it may.
type pass struct{ seen int }

func (*pass) Key(string) bool  { return false }
func (*pass) Window(n int) int { return 4*n + 1000 }
func (p *pass) Text(s string, _ int, cut bool) (string, bool) {
	p.seen += len(s)
	return s, !cut
}

// The cost follows the limit and not the value.
func TestCostIsBounded(t *testing.T) { //nolint:paralleltest // it measures what the program allocates
	const size = 100 << 20
	long := strings.Repeat("a", size)
	data := make([]byte, size)
	quoted := []byte(`"` + long + `"`)
	entries := map[int]int{}
	for i := range 1_000_000 {
		entries[i] = i
	}
	ring := &list{}
	ring.Next = ring
	for name, v := range map[string]any{
		"string": long, "bytes": data, "byte array": (*[size]byte)(data), "map": entries, "cycle": ring,
		"ints": make([]int, size/8), "structs": make([]struct{ A, B *int }, size/16), "nothings": make([]struct{}, 1<<40),
		"long keys": map[string]int{long: 1, long[1:]: 2}, "raw": json.RawMessage(quoted), "method": huge{quoted},
		"object": huge{[]byte(`{"a":` + string(quoted) + `}`)}, "text": hugeText{data}, "escapes": strings.Repeat("\x00", size/8),
		"number": json.Number(long), "spaces": huge{[]byte(strings.Repeat(" ", size) + "1")},
		"text key": map[*hugeText]int{{data}: 1},
	} {
		for _, r := range []capture.Redactor{nil, &pass{}} {
			var got string
			n := allocated(func() { got = capture.JSON(limit, r, v) })
			if n > 128<<10 {
				t.Errorf("%s: %d bytes allocated", name, n)
			}
			if p, ok := r.(*pass); ok && p.seen > 128<<10 {
				t.Errorf("%s: %d bytes looked at", name, p.seen)
			}
			if len(got) > limit || !strings.HasSuffix(got, "...") && !strings.Contains(got, "unserializable") {
				t.Errorf("%s: %d: %s", name, len(got), got)
			}
		}
	}
}

// counted counts what is asked of it.
type counted struct{ calls *int }

func (c counted) MarshalJSON() ([]byte, error) { *c.calls++; return []byte("1"), nil }

func TestStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	var calls int
	items := make([]counted, 1_000_000)
	for i := range items {
		items[i] = counted{&calls}
	}
	if got := capture.JSON(limit, nil, items); calls > limit {
		t.Errorf("%d calls for %s", calls, got)
	}
}

type slow struct{ calls *int }

func (s slow) MarshalJSON() ([]byte, error) {
	*s.calls++
	time.Sleep(time.Second)
	return []byte(`"ok"`), nil
}

func TestSlowMethodsAreCalledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls int
		begin := time.Now()
		got := capture.JSON(limit, nil, []slow{{&calls}, {&calls}, {&calls}})
		const bad = `"<unserializable: capture_test.slow>"`
		if took := time.Since(begin); took != time.Second || calls != 1 || got != fmt.Sprintf(`["ok",%s,%s]`, bad, bad) {
			t.Error(took, calls, got)
		}
	})
}

func TestLargeMapsShowAny(t *testing.T) {
	t.Parallel()
	m := map[string]int{}
	for i := range 256 {
		m[fmt.Sprintf("%03d", i)] = i
	}
	for range 10 {
		if got := capture.JSON(30, nil, m); got != `{"000":0,"001":1,"002":2,"0...` {
			t.Error(got)
		}
	}
	m["x"] = 1
	if got := capture.JSON(30, nil, m); len(got) < 28 || !strings.HasSuffix(got, "...") {
		t.Error(got)
	}
	if got := text(m); len(got) < 256*8 || strings.HasSuffix(got, "...") {
		t.Error(got)
	}
}

func BenchmarkJSON(b *testing.B) {
	for name, v := range map[string]any{
		"small": inner{1, 2}, "100MB": strings.Repeat("a", 100<<20), "map256": func() any {
			m := map[int]int{}
			for i := range 256 {
				m[i] = i
			}
			return m
		}(),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				capture.JSON(limit, nil, v)
			}
		})
	}
}
