package pluginhost

import (
	"log/slog"
	"math/bits"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// Signal is a kind of telemetry that a program makes with OpenTelemetry.
type Signal uint8

// The signals.
const (
	Traces Signal = iota
	Metrics
	Logs
	signals
)

// String returns the name of the signal in the words of OpenTelemetry.
func (s Signal) String() string {
	if s >= signals {
		return "unknown"
	}
	return [signals]string{"traces", "metrics", "logs"}[s]
}

// number is the signal's number in the protocol.
func (s Signal) number() pb.Signal { return pb.Signal(s) + pb.Signal_SIGNAL_TRACES }

const allSignals = 1<<signals - 1

// maskOf returns a bit for each signal of a list that is known.
func maskOf(list []pb.Signal) uint32 {
	mask := uint32(0)
	for _, n := range list {
		if i := n - pb.Signal_SIGNAL_TRACES; i >= 0 && i < pb.Signal(signals) {
			mask |= 1 << i
		}
	}
	return mask
}

// MaxExport is the most bytes of a request that Export takes.
const MaxExport = wire.MaxExport

// export is a request as it waits to be encoded.
type export struct {
	signal  Signal
	request []byte
	things  uint64
}

// isExport reports whether r stands for an export, of which it has nothing but
// the order and, as Extra, the place.
func isExport(r *wire.Record) bool { return r.Context == nil }

// Takes reports whether the backend takes exports of a signal. Until it has said
// so, it is true.
//
// A signal that the destination has refused is tried again after ten minutes: who runs a
// collector may have changed what it takes.
func (h *Host) Takes(s Signal) bool {
	if s >= signals || h.takes.Load()>>s&1 == 0 {
		return false
	}
	until := h.refused[s].Load()
	return until == 0 || time.Now().UnixNano() >= until
}

// refusedFor is how long a signal that the destination has refused is not sent.
const refusedFor = 10 * time.Minute

// refusals notes which signals the destination does not take, says so the first time,
// and returns them, a bit each.
func (h *Host) refusals(list []*pb.Refusal) (mask uint32) {
	for _, r := range list {
		bit := maskOf([]pb.Signal{r.GetSignal()})
		if bit == 0 || mask&bit != 0 {
			continue
		}
		mask |= bit
		s := Signal(bits.TrailingZeros32(bit))
		if h.refused[s].Swap(time.Now().Add(refusedFor).UnixNano()) == 0 {
			h.spec.log(slog.LevelWarn, "destination does not take all telemetry", slog.String("signal", s.String()), slog.String("reason", h.clean(r.GetReason())))
		}
	}
	return mask
}

// Export queues a request of the OpenTelemetry Protocol, as its exporters marshal
// it: an ExportTraceServiceRequest, ExportMetricsServiceRequest or
// ExportLogsServiceRequest. It stands among the events where it comes, is one
// event in the ledger, and like a hook it neither waits nor fails: what is larger
// than [MaxExport], or finds the queue full or the backend gone, is dropped and
// counted. What the backend does not take is ignored and counted apart.
//
// The request is the host's from now on, and is only read: it may be given to
// several hosts. Nothing is taken out of it. Export may be called concurrently. To put
// an exporter of OpenTelemetry before it, and a redactor, use [NewConn].
func (h *Host) Export(s Signal, request []byte) {
	switch {
	case s >= signals:
	case !h.Takes(s):
		h.ignored[s].Add(1)
	default:
		h.queue.export(export{s, request, things(s, request)})
	}
}

// export counts one request and queues it, as put does a record. Which shard it
// is in does not matter: exports are told from each other by their order only.
func (q *queue) export(e export) {
	s := &q.shards[q.order.Load()%shards]
	s.mu.Lock()
	if len(e.request) > MaxExport && s.refuse == reasonNone {
		s.emitted++
		s.drop(reasonOversize, e.signal.unit(), e.things)
		s.mu.Unlock()
		return
	}
	if !q.admit(s, wire.RecordSize+int64(len(e.request)), e.signal.unit(), e.things) {
		moved := s.refuse == reasonMoved
		s.mu.Unlock()
		if moved {
			q.next.Load().export(e)
		}
		return
	}
	s.exports = append(s.exports, e)
	s.records = append(s.records, wire.Record{Extra: int32(len(s.exports)), Order: q.order.Add(1)})
	n := len(s.records)
	s.mu.Unlock()
	q.rouse(n)
}
