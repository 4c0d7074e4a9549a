package memory

import (
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
	b.Run("get", func(b *testing.B) {
		s := open(b, Config{})
		for _, k := range keys {
			_ = s.Put(b.Context(), k, e)
		}
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, ok, _ := s.Get(b.Context(), keys[i%n]); !ok {
					b.Error("missed")
				}
			}
		})
	})
	b.Run("put", func(b *testing.B) {
		s := open(b, Config{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				_ = s.Put(b.Context(), keys[i%n], e)
			}
		})
	})
}
