package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

func recorded(n int) []callbacktest.Event {
	var said callbacktest.Recorder
	for seed := uint64(1); len(said.Events()) < n; seed++ {
		hooktest.Random(&said, seed)
	}
	return said.Events()[:n]
}

func BenchmarkEncode(b *testing.B) {
	const n = 512
	events := recorded(n)
	var records []wire.Record
	var extras []*wire.Extra
	for _, e := range events {
		r, x := record(e)
		if *x == (wire.Extra{}) {
			x = nil
		}
		records, extras = append(records, r), append(extras, x)
	}
	enc := wire.NewEncoder()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		enc.Begin(1, 1, 0)
		for i := range records {
			enc.Add(&records[i], extras[i])
		}
		buf, _ = proto.MarshalOptions{}.MarshalAppend(buf[:0], enc.Batch())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
	b.ReportMetric(float64(len(buf))/n, "B/event")
}

func BenchmarkDeliver(b *testing.B) {
	const n = 512
	batch := encode(recorded(n), n)[0]
	dec := wire.NewDecoder()
	b.ReportAllocs()
	for b.Loop() {
		if err := dec.Deliver(batch, callbacks.Base{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
