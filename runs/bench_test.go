package runs

import (
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func typical(i int) Record {
	now := time.Date(2026, 11, 1, 12, 0, 0, i, time.UTC)
	return Record{
		Kind: "map_item", Path: "billing/load/item[" + strconv.Itoa(i) + "]", Attempt: 1, Status: "success", Started: now, Ended: now,
		Inputs: raw(strconv.Itoa(i)), Outputs: []json.RawMessage{json.RawMessage(`{"customer":"c-17","total":12.5,"lines":[1,2,3]}`)},
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{0, 10 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			l := begin(b, open(b, b.TempDir()), "x")
			r := typical(0)
			if size > 0 {
				r.Outputs = raw(`"` + strings.Repeat("x", size) + `"`)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Path = "billing/load/item[" + strconv.Itoa(i%1000) + "]"
				add(b, l, r)
			}
		})
	}
}

func BenchmarkFinished(b *testing.B) {
	l := begin(b, open(b, b.TempDir()), "x")
	for i := range 10_000 {
		add(b, l, typical(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok, err := l.Finished("map_item", "billing/load/item["+strconv.Itoa(i%10_000)+"]"); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMillion continues a run of a million records, and sums it up.
func BenchmarkMillion(b *testing.B) {
	const records = 1_000_000
	d := open(b, b.TempDir())
	l := begin(b, d, "x")
	for i := range records {
		add(b, l, typical(i))
	}
	end(b, l, "")
	info, err := os.Stat(d.path + "/" + fileName("x"))
	if err != nil {
		b.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.Run("Open", func(b *testing.B) {
		b.SetBytes(info.Size())
		before, after := heap(), uint64(0)
		for b.Loop() {
			l := begin(b, d, "x")
			b.StopTimer()
			after = heap()
			end(b, l, "")
			b.StartTimer()
		}
		b.ReportMetric(float64(after-before)/records, "heap-B/record")
	})
	b.Run("List", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.List(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
