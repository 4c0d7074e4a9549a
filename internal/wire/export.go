package wire

import (
	"fmt"
	"runtime/debug"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// MaxExport is the most bytes of a request that fits in a batch of its own.
const MaxExport = MaxBatch - 256

// AddExport appends an export, whose request the batch keeps. Records and exports
// are added by rising order.
func (e *Encoder) AddExport(signal pb.Signal, order uint64, request []byte) {
	e.batch.Exports = append(e.batch.Exports, &pb.Export{Signal: signal, Order: order, Request: request})
}

// exports delivers the exports of b that came before an event, which has the
// number before, and returns the others.
func (d *Decoder) exports(rest []*pb.Export, before uint64, note func(error)) []*pb.Export {
	for len(rest) > 0 && rest[0].GetOrder() < before {
		note(d.export(rest[0]))
		rest = rest[1:]
	}
	return rest
}

func (d *Decoder) export(e *pb.Export) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instance panicked over %s: %v\n%s", e.GetSignal(), p, debug.Stack())
		}
	}()
	if d.Export != nil {
		taken, err := d.Export(e.GetSignal(), e.GetRequest())
		if taken {
			return err
		}
	}
	d.IgnoredExports++
	return nil
}
