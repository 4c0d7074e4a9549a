package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

// FuzzDeliver reads whatever bytes as a batch: they are refused, or give calls.
// What the calls are given must be fit to be read.
func FuzzDeliver(f *testing.F) {
	for seed := range uint64(4) {
		var said callbacktest.Recorder
		hooktest.Random(&said, seed)
		for _, b := range encode(said.Events(), 20) {
			data, err := proto.Marshal(b)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	data, err := proto.Marshal(mixed())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	data, err = proto.Marshal(saidBatch())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &pb.Batch{}
		if proto.Unmarshal(data, b) != nil {
			return
		}
		dec := wire.NewDecoder()
		for range 2 {
			var heard callbacktest.Recorder
			if err := dec.Deliver(b, &heard); err != nil {
				return
			}
			hooktest.Lines(heard.Events())
		}
	})
}
