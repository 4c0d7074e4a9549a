package backend

import (
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// refusal is what never reached the instance, of batches that are acknowledged
// together: the instance has lost nothing by it.
type refusal struct {
	err  error // the first one
	lost pb.Losses
}

// batch notes a batch that is malformed.
func (r *refusal) batch(err error, b *pb.Batch) {
	r.note(err)
	r.lost.Events += uint64(len(b.GetEvents().GetHook()))
	for _, e := range b.GetExports() {
		r.count(e.GetSignal())
	}
}

// export notes an export that cannot be read.
func (r *refusal) export(err error, signal pb.Signal) {
	r.note(err)
	r.count(signal)
}

func (r *refusal) note(err error) {
	if r.err == nil {
		r.err = &failedError{err, pb.Failure_FAILURE_REFUSED}
	}
}

func (r *refusal) count(signal pb.Signal) {
	switch signal {
	case pb.Signal_SIGNAL_TRACES:
		r.lost.Traces++
	case pb.Signal_SIGNAL_METRICS:
		r.lost.Metrics++
	case pb.Signal_SIGNAL_LOGS:
		r.lost.Logs++
	default:
	}
}

// join adds what was refused to what the instance has said: its error, and what it
// says is lost, which is all when lost is nil.
func (r *refusal) join(said error, lost *pb.Losses) (*pb.Losses, error) {
	switch {
	case r.err == nil:
		return lost, said
	case said == nil:
		return &r.lost, r.err
	case lost == nil:
		return nil, said
	}
	lost.Events += r.lost.GetEvents()
	lost.Traces += r.lost.GetTraces()
	lost.Metrics += r.lost.GetMetrics()
	lost.Logs += r.lost.GetLogs()
	return lost, &failedError{said, worst(said, r.err)}
}
