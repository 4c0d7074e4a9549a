package wire_test

import (
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/wire"
	"github.com/spanloom/spanloom/privacy"
)

// encode makes batches of at most size events of what was recorded.
func encode(events []callbacktest.Event, size int) []*pb.Batch {
	var list []*pb.Batch
	enc := wire.NewEncoder()
	for len(events) > 0 {
		n := min(size, len(events))
		enc.Begin(7, uint64(len(list)+1), 0)
		for i, e := range events[:n] {
			r, x := record(e)
			r.Order = uint64(i + 1)
			enc.Add(&r, x)
		}
		events = events[n:]
		b, _ := proto.Clone(enc.Batch()).(*pb.Batch)
		list = append(list, b)
	}
	return list
}

// clip shortens as hosts do that hide nothing.
var clip = (*privacy.Redactor)(nil).Clip

func record(e callbacktest.Event) (wire.Record, *wire.Extra) {
	r := wire.Record{Context: e.Context, Hook: e.Hook}
	x := &wire.Extra{}
	end := func(e callbacks.End) {
		r.Duration, r.Result, r.Origin = e.Duration, e.Result, e.Origin
		x.Error = wire.NewError(e.Err, clip)
	}
	switch ev := e.Event.(type) {
	case callbacks.PipelineStart:
		x.Resumed = ev.Resumed
	case callbacks.PipelineEnd:
		end(ev.End)
		x.Counts = ev.Counts
	case callbacks.NodeStart:
		x.Look(ev.Cache)
	case callbacks.NodeEnd:
		end(ev.End)
		r.Attempts = int32(ev.Attempts)
		x.Look(ev.Cache)
	case callbacks.NodeCached:
		x.Signature, x.Saved, x.Reason, x.TraceID, x.SpanID = ev.Signature, ev.Saved, ev.Reason, ev.TraceID, ev.SpanID
		x.Tier, x.InCache = ev.Tier, ev.Size
	case callbacks.NestedPipelineStart:
		r.Context = ev.Child
	case callbacks.NestedPipelineEnd:
		r.Context = ev.Child
		end(ev.End)
		x.Counts = ev.Counts
	case callbacks.MapStart:
		x.Size, x.Concurrency = ev.Size, ev.Concurrency
	case callbacks.MapEnd:
		end(ev.End)
		x.Succeeded, x.Failed, x.Cached, x.Skipped, x.Concurrency = ev.Succeeded, ev.Failed, ev.Cached, ev.Skipped, ev.Concurrency
	case callbacks.MapItemStart:
		x.Look(ev.Cache)
		x.Label = ev.Label
	case callbacks.MapItemEnd:
		end(ev.End)
		r.Attempts = int32(ev.Attempts)
		x.Look(ev.Cache)
		x.Label = ev.Label
	case callbacks.MapItemCached:
		x.Label = ev.Label
		x.Signature, x.Saved, x.Reason, x.TraceID, x.SpanID = ev.Signature, ev.Saved, ev.Reason, ev.TraceID, ev.SpanID
		x.Tier, x.InCache = ev.Tier, ev.Size
	case callbacks.Failure:
		x.Error, r.Result = wire.NewError(ev.Err, clip), ev.Result
	case callbacks.NodeRetry:
		x.Error, x.Delay, r.Attempts = wire.NewError(ev.Err, clip), ev.Delay, int32(ev.Attempt)
		x.Took, r.Duration = ev.Duration, ev.Start+ev.Duration
	case callbacks.NodeSkipped:
		x.Reason = ev.Reason
	case callbacks.Crashed:
		r.Duration = ev.Duration
	case callbacks.Metric:
		x.Metric, r.Duration = &ev, ev.At
	}
	if r.Duration < 0 {
		r.Duration = time.Duration(0)
	}
	return r, x
}
