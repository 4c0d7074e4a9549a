package spool

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkAppend appends batches of 30 KiB, about 512 events, as many at once as the
// name says. Each call waits for the disk once.
func BenchmarkAppend(b *testing.B) {
	data := make([]byte, 30<<10)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(data)
	for _, at := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(at), func(b *testing.B) {
			s := open(b, tempDir(b), 1, Config{MaxBytes: 256 << 20})
			b.ReportAllocs()
			b.SetBytes(int64(at * len(data)))
			list := make([]Batch, at)
			calls := 0
			for b.Loop() {
				for i := range list {
					list[i] = Batch{Seq: uint64(calls*at + i + 1), Events: 512, Data: data}
				}
				if n, err := s.Append(list...); n != at {
					b.Fatal(err)
				}
				calls++
				s.Ack(1, uint64(calls*at))
			}
			b.ReportMetric(float64(calls*at)/b.Elapsed().Seconds(), "batches/s")
			b.ReportMetric(headSize, "overhead-B/batch")
		})
	}
}

// BenchmarkRead reads 30 KiB batches that are not acknowledged.
func BenchmarkRead(b *testing.B) {
	s := filled(b, tempDir(b))
	r := s.NewReader()
	b.ReportAllocs()
	b.SetBytes(30 << 10)
	for b.Loop() {
		_, ok, err := r.Next()
		if err != nil {
			b.Fatal(err)
		}
		if !ok {
			r = s.NewReader()
		}
	}
	r.Close()
}

// BenchmarkOpen takes over 90 MiB of a dead process.
func BenchmarkOpen(b *testing.B) {
	dir := tempDir(b)
	closeSpool(b, filled(b, dir))
	b.ReportAllocs()
	epoch := uint64(2)
	for b.Loop() {
		closeSpool(b, open(b, dir, epoch, Config{}))
		epoch++
	}
}

// BenchmarkAck acknowledges batches one by one.
func BenchmarkAck(b *testing.B) {
	s := filled(b, tempDir(b))
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		seq++
		s.mu.Lock()
		s.own.last = seq + 1
		s.mu.Unlock()
		s.Ack(1, seq)
	}
}

func filled(b *testing.B, dir string) *Spool {
	b.Helper()
	s := open(b, dir, 1, Config{})
	list := make([]Batch, 3000)
	for i := range list {
		list[i] = Batch{Seq: uint64(i + 1), Events: 512, Data: make([]byte, 30<<10)}
	}
	if _, err := s.Append(list...); err != nil {
		b.Fatal(err)
	}
	return s
}
