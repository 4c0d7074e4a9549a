package disk

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/cache"
)

// BenchmarkStore gets and puts values of 1 KiB, from as many goroutines as
// there are processors.
func BenchmarkStore(b *testing.B) {
	const n = 4096
	keys := make([]string, n)
	for i := range keys {
		keys[i] = key(i)
	}
	e := cache.Entry{Value: make([]byte, 1<<10), Cost: time.Second, Created: time.Now()}
	filled := func(b *testing.B) *Store {
		b.Helper()
		s := openAt(b, b.TempDir(), Config{})
		for _, k := range keys {
			if err := s.Put(b.Context(), k, e); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		b.ResetTimer()
		return s
	}
	b.Run("get", func(b *testing.B) {
		s := filled(b)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, ok, err := s.Get(b.Context(), keys[i%n]); !ok {
					b.Error("missed", err)
				}
			}
		})
	})
	b.Run("miss", func(b *testing.B) {
		s := openAt(b, b.TempDir(), Config{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, ok, err := s.Get(b.Context(), keys[i%n]); ok {
					b.Error("found", err)
				}
			}
		})
	})
	b.Run("put", func(b *testing.B) {
		s := openAt(b, b.TempDir(), Config{})
		b.ReportAllocs()
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := s.Put(b.Context(), key(int(next.Add(1))), e); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("put again", func(b *testing.B) {
		s := filled(b)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if err := s.Put(b.Context(), keys[i%n], e); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkOpen opens a store of 10,000 entries, with its index and without.
func BenchmarkOpen(b *testing.B) {
	for name, end := range ends(b) {
		b.Run("after "+name, func(b *testing.B) {
			s := openAt(b, b.TempDir(), Config{})
			for i := range 10000 {
				if err := s.Put(b.Context(), key(i), cache.Entry{Value: make([]byte, 1<<10)}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				b.StopTimer()
				end(s)
				b.StartTimer()
				var err error
				if s, err = Open(s.dir, Config{}); err != nil {
					b.Fatal(err)
				}
			}
			closeStore(b, s)
		})
	}
}
