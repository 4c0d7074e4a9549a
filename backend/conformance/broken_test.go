package conformance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

var update = flag.Bool("update", false, "write the golden files again")

// fault is a backend that is broken in one way.
type fault struct {
	name string
	// rule is the rule that it is there for.
	rule string
	// broken is what is between it and the checks, one for each backend that is
	// started; nil for a process.
	broken func(*memory) *middle
}

// always is a middle that has no memory.
func always(m *middle) func(*memory) *middle { return func(*memory) *middle { return m } }

// refusing refuses the batches of which f is true.
func refusing(f func(*pb.Batch) bool) func(*memory) *middle {
	return always(&middle{refuse: func(b *pb.Batch) string {
		if f(b) {
			return "I do not know this"
		}
		return ""
	}})
}

// has refuses batches with a hook.
func has(h pb.Hook) func(*memory) *middle {
	return refusing(func(b *pb.Batch) bool { return slices.Contains(b.GetEvents().GetHook(), h) })
}

// exports refuses batches with an export.
func exports(s pb.Signal) func(*memory) *middle {
	return refusing(func(b *pb.Batch) bool {
		return slices.ContainsFunc(b.GetExports(), func(e *pb.Export) bool { return e.GetSignal() == s })
	})
}

func unhealthy(f func(*pb.HealthResponse)) func(*memory) *middle {
	return always(&middle{health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
		h := next()
		f(h)
		return h, nil
	}})
}

func describes(f func(*pb.DescribeResponse)) func(*memory) *middle {
	return always(&middle{describe: f})
}

type configureFunc = func(*pb.ConfigureRequest, func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error)

func configures(f configureFunc) func(*memory) *middle { return always(&middle{configure: f}) }

// needsStarts refuses batches with an end whose start has not come.
func needsStarts(*memory) *middle {
	begun := map[uint64]bool{}
	return &middle{refuse: func(b *pb.Batch) string {
		for i, h := range b.GetEvents().GetHook() {
			if i >= len(b.GetEvents().GetSpan()) {
				return ""
			}
			span := b.GetEvents().GetSpan()[i]
			switch h {
			case pb.Hook_HOOK_PIPELINE_START, pb.Hook_HOOK_NODE_START, pb.Hook_HOOK_MAP_START, pb.Hook_HOOK_MAP_ITEM_START:
				begun[span] = true
			case pb.Hook_HOOK_PIPELINE_END, pb.Hook_HOOK_NODE_END, pb.Hook_HOOK_MAP_END, pb.Hook_HOOK_MAP_ITEM_END:
				if !begun[span] {
					return "the end of what has not begun"
				}
			default:
			}
		}
		return ""
	}}
}

// bad reports whether a batch is malformed.
func bad(b *pb.Batch) bool { return wire.Validate(b) != nil }

// blank takes away what a batch has.
func blank(b *pb.Batch) {
	b.Events, b.Errors, b.Attributes, b.Exports, b.Nodes, b.Runs, b.Counts = nil, nil, nil, nil, nil, nil, nil
}

var faults = slices.Concat(launchFaults, callFaults, batchFaults, eventFaults, otherFaults)

// launchFaults are processes: their name is the value of faultVariable.
var launchFaults = []fault{
	{"no cookie needed", "launch-cookie", nil},
	{"another version", "launch-handshake", nil},
	{"talks first", "launch-handshake", nil},
	{"ends at once", "launch-handshake", nil},
	{"mute", "launch-handshake", nil},
	{"padded certificate", "launch-handshake", nil},
	{"another directory", "launch-socket", nil},
	{"lets everybody in", "launch-mtls", nil},
	{"claims any version", "launch-version", nil},
	{"knows one host", "launch-newer-host", nil},
	{"talks", "launch-stdout", nil},
	{"needs starts", "events-killed-between", nil},
	{"interrupted", "interrupts", nil},
	{"ends in good order", "interrupts", nil},
	{"status 3", "exit-after-shutdown", nil},
	{"lives on", "exit-without-host", nil},
	{"knows no parent", "exit-without-parent", nil},
	{"waits for ever", "exit-unconnected", nil},
	{"impatient", "exit-unconnected", nil},
}

var callFaults = []fault{
	{"describes itself anew", "describe-any-time", func(*memory) *middle {
		n := 0
		return &middle{describe: func(d *pb.DescribeResponse) { n++; d.Version = fmt.Sprint(n) }}
	}},
	{"a name with a space", "describe-name", describes(func(d *pb.DescribeResponse) { d.Name = "My backend" })},
	{"protocol 0", "describe-protocol", describes(func(d *pb.DescribeResponse) { d.ProtocolVersion = 0 })},
	{"negative linger", "describe-linger", describes(func(d *pb.DescribeResponse) { d.Linger = -1 })},
	{"schema of no type", "describe-schema", describes(func(d *pb.DescribeResponse) { d.ConfigSchema = []byte(`{"type":"objct"}`) })},
	{"schema that is no JSON", "describe-schema", describes(func(d *pb.DescribeResponse) { d.ConfigSchema = []byte(`{`) })},
	{"schema of an old draft", "describe-schema", describes(func(d *pb.DescribeResponse) {
		d.ConfigSchema = []byte(`{"$schema":"http://json-schema.org/draft-07/schema#"}`)
	})},
	{"schema elsewhere", "describe-schema", describes(func(d *pb.DescribeResponse) {
		d.ConfigSchema = []byte(`{"$ref":"https://example.com/schema.json"}`)
	})},
	{"schema that is too deep", "describe-schema", describes(func(d *pb.DescribeResponse) {
		d.ConfigSchema = []byte(strings.Repeat(`{"not":`, 5000) + "{}" + strings.Repeat("}", 5000))
	})},
	{"schema that takes years", "describe-schema-config", describes(func(d *pb.DescribeResponse) {
		d.ConfigSchema = fmt.Appendf(nil, `{"$ref":"#/$defs/a0","$defs":{"a60":{}`)
		for i := range 60 {
			d.ConfigSchema = fmt.Appendf(d.ConfigSchema, `,"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%[2]d"}]}`, i, i+1)
		}
		d.ConfigSchema = append(d.ConfigSchema, "}}"...)
	})},
	{"schema that wants a key", "describe-schema-config", describes(func(d *pb.DescribeResponse) {
		d.ConfigSchema = []byte(`{"required":["endpoint"]}`)
	})},

	{"refuses every config", "configure", configures(func(*pb.ConfigureRequest, func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		return &pb.ConfigureResponse{Error: "no"}, nil
	})},
	{"configured twice", "configure-once", configures(func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		a, err := next()
		if status.Code(err) == codes.FailedPrecondition {
			return &pb.ConfigureResponse{}, nil
		}
		return a, err
	})},
	{"refuses in another way", "configure-once", configures(func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		a, err := next()
		if err != nil {
			err = status.Error(codes.AlreadyExists, "there is one")
		}
		return a, err
	})},
	{"works without Configure", "configure-first", func(*memory) *middle {
		done := false
		return &middle{
			configure: func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
				done = true
				return next()
			},
			opened: func() error {
				if done {
					return nil
				}
				return errStreamOfItsOwn
			},
		}
	}},
	{"takes any JSON", "configure-not-an-object", configures(func(r *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		if string(r.GetConfig()) == "[]" {
			return &pb.ConfigureResponse{}, nil
		}
		return next()
	})},
	{"fails the call", "configure-not-an-object", configures(func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		a, err := next()
		if a.GetError() != "" {
			return nil, status.Error(codes.InvalidArgument, a.GetError())
		}
		return a, err
	})},
	{"no key", "configure-mistakes", configures(func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		a, err := next()
		for _, e := range a.GetErrors() {
			e.Key = ""
		}
		return a, err
	})},
	{"no message", "configure-mistakes", configures(func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		a, err := next()
		for _, e := range a.GetErrors() {
			e.Message = ""
		}
		return a, err
	})},
	{"needs a service", "configure-little", configures(func(r *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		if r.GetService() == nil {
			return nil, status.Error(codes.Internal, "nil pointer")
		}
		return next()
	})},
	{"knows all fields", "configure-unknown-fields", configures(func(r *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
		if len(r.ProtoReflect().GetUnknown()) > 0 {
			return &pb.ConfigureResponse{Error: "unknown field"}, nil
		}
		return next()
	})},

	{"not healthy before Configure", "health-any-time", func(*memory) *middle {
		var done atomic.Bool
		return &middle{
			configure: func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
				a, err := next()
				if a.GetError() == "" && len(a.GetErrors()) == 0 {
					done.Store(true)
				}
				return a, err
			},
			health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
				if !done.Load() {
					return nil, status.Error(codes.FailedPrecondition, "not configured")
				}
				return next(), nil
			},
		}
	}},
	{"never well", "health-ok", unhealthy(func(h *pb.HealthResponse) { h.Status = pb.HealthResponse_STATUS_DEGRADED; h.Message = "as always" })},
	{"well with a message", "health-ok", unhealthy(func(h *pb.HealthResponse) { h.Message = "fine" })},
	{"one thing at a time", "health-busy", func(*memory) *middle {
		var mu sync.Mutex
		var work sync.Once
		return &middle{
			edit: func(b *pb.Batch) {
				if len(b.GetEvents().GetHook()) > 1000 {
					mu.Lock()
					defer mu.Unlock()
					work.Do(func() { time.Sleep(testLimits.atOnce + 200*time.Millisecond) })
				}
			},
			health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
				mu.Lock()
				defer mu.Unlock()
				return next(), nil
			},
		}
	}},
}

// errStreamOfItsOwn makes a server acknowledge what comes without an instance.
var errStreamOfItsOwn = errors.New("acknowledge all")

var batchFaults = []fault{
	{"another epoch", "ack-every-batch", always(&middle{ack: func(a *pb.Ack) []*pb.Ack { a.Epoch++; return nil }})},
	{"ahead", "ack-in-order", always(&middle{ack: func(a *pb.Ack) []*pb.Ack { a.Seq++; return nil }})},
	{"backwards", "ack-in-order", always(&middle{ack: func(a *pb.Ack) []*pb.Ack {
		if a.GetSeq() < 2 {
			return nil
		}
		return []*pb.Ack{{Epoch: a.GetEpoch(), Seq: a.GetSeq() - 1}}
	}})},
	{"handles what comes again", "ack-repeated", func(*memory) *middle {
		epochs := map[uint64]uint64{}
		next := number()
		return &middle{
			edit: func(b *pb.Batch) {
				next++
				epochs[next], b.Epoch = b.GetEpoch(), next
			},
			ack: func(a *pb.Ack) []*pb.Ack {
				a.Epoch = epochs[a.GetEpoch()]
				return nil
			},
		}
	}},
	{"refuses what comes again", "ack-repeated", func(*memory) *middle {
		seen := map[[2]uint64]bool{}
		return &middle{refuse: func(b *pb.Batch) string {
			key := [2]uint64{b.GetEpoch(), b.GetSeq()}
			if seen[key] {
				return "seen before"
			}
			seen[key] = true
			return ""
		}}
	}},
	{"begins with 1", "batch-first-number", func(*memory) *middle {
		begun := false
		return &middle{stop: func(b *pb.Batch) error {
			if !begun && b.GetSeq() != 1 {
				return status.Error(codes.InvalidArgument, "the first batch is not 1")
			}
			begun = true
			return nil
		}}
	}},
	{"one epoch only", "batch-new-epoch", func(*memory) *middle {
		last := uint64(0)
		return &middle{edit: func(b *pb.Batch) {
			if b.GetSeq() <= last {
				blank(b)
			}
			last = max(last, b.GetSeq())
		}}
	}},
	{"one stream only", "batch-next-stream", func(*memory) *middle {
		n := 0
		return &middle{opened: func() error {
			if n++; n > 1 {
				return status.Error(codes.FailedPrecondition, "there was a stream")
			}
			return nil
		}}
	}},
	{"nothing is malformed", "batch-empty", refusing(func(b *pb.Batch) bool { return len(b.GetEvents().GetHook())+len(b.GetExports()) == 0 })},
	{"takes anything", "batch-malformed", always(&middle{edit: func(b *pb.Batch) {
		if bad(b) {
			blank(b)
		}
	}})},
	{"handles half of it", "batch-malformed", func(*memory) *middle {
		var half atomic.Uint64
		return &middle{
			refuse: func(b *pb.Batch) string {
				if bad(b) {
					half.Add(1)
					return "malformed from the middle on"
				}
				return ""
			},
			health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
				h := next()
				h.IgnoredEvents += half.Load()
				return h, nil
			},
		}
	}},
	{"ends the stream", "batch-malformed", always(&middle{stop: func(b *pb.Batch) error {
		if bad(b) {
			return status.Error(codes.InvalidArgument, "malformed")
		}
		return nil
	}})},
	{"resents it", "batch-malformed-next", func(*memory) *middle {
		spoiled := 0
		return &middle{refuse: func(b *pb.Batch) string {
			if bad(b) {
				spoiled = 2
				return "malformed"
			}
			if spoiled--; spoiled > 0 && len(b.GetEvents().GetHook()) == 5 {
				return "the batch before was malformed"
			}
			return ""
		}}
	}},
	{"loses more than that", "batch-malformed-alone", func(*memory) *middle {
		malformed := false
		return &middle{
			edit: func(b *pb.Batch) { malformed = malformed || bad(b) },
			ack: func(a *pb.Ack) []*pb.Ack {
				if malformed && a.GetLost() != nil {
					a.Lost.Events += 100
				}
				return nil
			},
		}
	}},
	{"counts nothing", "batch-unknown-hooks", unhealthy(func(h *pb.HealthResponse) { h.IgnoredEvents = 0 })},
	{"knows all kinds", "batch-unknown-values", refusing(func(b *pb.Batch) bool { return slices.Contains(b.GetEvents().GetKind(), 99) })},
	{"knows all fields of batches", "batch-unknown-fields", refusing(func(b *pb.Batch) bool { return len(b.ProtoReflect().GetUnknown()) > 0 })},
	{"needs every column", "batch-missing-columns", refusing(func(b *pb.Batch) bool {
		return len(b.GetEvents().GetHook()) > 0 && len(b.GetEvents().GetQueued()) == 0
	})},
	{"never closes a scope", "open-scopes", unhealthy(func(h *pb.HealthResponse) { h.OpenScopes = 3 })},
}

var eventFaults = []fault{
	{"nothing nested", "events-nested", has(pb.Hook_HOOK_NESTED_PIPELINE_START)},
	{"no loops", "events-loops", refusing(func(b *pb.Batch) bool { return slices.Contains(b.GetEvents().GetIteration(), 2) })},
	{"no maps", "events-map", has(pb.Hook_HOOK_MAP_START)},
	{"nothing cached", "events-cached", has(pb.Hook_HOOK_MAP_ITEM_CACHED)},
	{"no retries", "events-retries", has(pb.Hook_HOOK_NODE_RETRY)},
	{"nothing skipped", "events-skipped", has(pb.Hook_HOOK_NODE_SKIPPED)},
	{"no failures", "events-failures", refusing(func(b *pb.Batch) bool {
		return slices.Contains(b.GetEvents().GetResult(), pb.Result_RESULT_CANCELLATION)
	})},
	{"no marks", "events-metrics", has(pb.Hook_HOOK_METRIC)},
	{"no crashes", "events-crashed", has(pb.Hook_HOOK_CRASHED)},
	{"no jobs", "events-jobs", refusing(func(b *pb.Batch) bool { return slices.Contains(b.GetEvents().GetKind(), pb.Kind_KIND_JOB) })},
	{"no numbers", "events-values", refusing(func(b *pb.Batch) bool {
		return slices.Contains(b.GetAttributes().GetType(), pb.Attributes_TYPE_DOUBLE)
	})},
	{"no integers", "events-numbers", refusing(func(b *pb.Batch) bool {
		for i, typ := range b.GetAttributes().GetType() {
			if v := int64(b.GetAttributes().GetValue()[i]); typ == pb.Attributes_TYPE_INT && (v > 1<<53 || v < -1<<53) {
				return true
			}
		}
		return false
	})},
	{"reads all records", "events-recorded", refusing(func(b *pb.Batch) bool {
		return slices.ContainsFunc(b.GetRecorded().GetSpan(), func(data []byte) bool { return strings.HasPrefix(string(data), "\xff") })
	})},
	{"no links", "events-several-runs", refusing(func(b *pb.Batch) bool {
		return slices.ContainsFunc(b.GetRuns(), func(r *pb.Run) bool { return r.GetLinkSpan() != 0 })
	})},
	{"five thousand items", "events-large-map", func(*memory) *middle {
		n := 0
		return &middle{refuse: func(b *pb.Batch) string {
			for _, h := range b.GetEvents().GetHook() {
				if h == pb.Hook_HOOK_MAP_ITEM_END {
					n++
				}
			}
			if n > 5000 {
				return "too many items"
			}
			return ""
		}}
	}},
	{"needs starts before ends", "events-end-alone", needsStarts},
}

var otherFaults = []fault{
	{"no traces", "exports-traces", exports(pb.Signal_SIGNAL_TRACES)},
	{"no metrics", "exports-metrics", exports(pb.Signal_SIGNAL_METRICS)},
	{"no logs", "exports-logs", exports(pb.Signal_SIGNAL_LOGS)},
	{"knows all signals", "exports-ignored", exports(99)},
	{"counts no exports", "exports-ignored", unhealthy(func(h *pb.HealthResponse) { h.IgnoredExports = 0 })},
	{"reads no exports", "exports-unreadable", always(&middle{edit: func(b *pb.Batch) { b.Exports = nil }})},
	{"loses all for one", "exports-unreadable", always(&middle{ack: func(a *pb.Ack) []*pb.Ack {
		if strings.Contains(a.GetError(), "cannot be read") {
			a.Lost = nil
		}
		return nil
	}})},

	{"short errors", "size-errors", refusing(func(b *pb.Batch) bool {
		return slices.ContainsFunc(b.GetErrors().GetMessage(), func(i uint32) bool {
			return int(i) < len(b.GetStrings()) && len(b.GetStrings()[i]) == maxMessage
		})
	})},
	{"little memory", "size-values", refusingLarge(10_000, 1<<20, 2<<20)},
	{"less than 4 MiB", "size-batch", refusingLarge(0, 2<<20, wire.MaxMessage)},
	{"more than 4 MiB", "size-limit", always(&middle{limit: 64 << 20})},
	{"ends with the stream", "size-garbage", func(*memory) *middle {
		dead := false
		return &middle{
			gone: func() { dead = true },
			opened: func() error {
				if dead {
					return status.Error(codes.Unavailable, "panic: proto: cannot parse")
				}
				return nil
			},
		}
	}},

	{"cannot flush", "flush", always(&middle{flush: func(context.Context, func(context.Context) (*pb.FlushResponse, error)) (*pb.FlushResponse, error) {
		return &pb.FlushResponse{Error: "not implemented"}, nil
	}})},
	{"loses at the end", "shutdown", shuttingDown(func(a *pb.ShutdownResponse, n int, _ bool) error {
		if n == 1 {
			a.Error = "one span is lost"
		}
		return nil
	})},
	{"nothing to shut down", "shutdown-unused", shuttingDown(func(_ *pb.ShutdownResponse, _ int, used bool) error {
		if !used {
			return status.Error(codes.FailedPrecondition, "not configured")
		}
		return nil
	})},
	{"shut down once", "shutdown-twice", shuttingDown(func(_ *pb.ShutdownResponse, n int, _ bool) error {
		if n > 1 {
			return status.Error(codes.FailedPrecondition, "shut down before")
		}
		return nil
	})},
	{"works after Shutdown", "shutdown-then-batches", func(*memory) *middle {
		down := false
		return &middle{
			shutdown: func(next func() (*pb.ShutdownResponse, error)) (*pb.ShutdownResponse, error) {
				down = true
				return next()
			},
			opened: func() error {
				if down {
					return errStreamOfItsOwn
				}
				return nil
			},
		}
	}},

	{"forgets items", "sink-arrives", always(&middle{edit: func(b *pb.Batch) {
		for i, h := range b.GetEvents().GetHook() {
			if h == pb.Hook_HOOK_MAP_ITEM_CACHED {
				b.Events.Hook[i] = pb.Hook_HOOK_NODE_SKIPPED
			}
		}
	}})},
	{"acknowledges what failed", "sink-fails", func(m *memory) *middle {
		return &middle{ack: func(a *pb.Ack) []*pb.Ack {
			if m.is(Fails) {
				a.Error = ""
			}
			return nil
		}}
	}},
	{"hides what failed", "sink-fails-health", func(m *memory) *middle {
		return &middle{health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
			h := next()
			if m.is(Fails) {
				h.Status, h.Message = pb.HealthResponse_STATUS_OK, ""
			}
			return h, nil
		}}
	}},
	{"acknowledges on receipt", "sink-hangs", func(m *memory) *middle {
		return &middle{edit: func(b *pb.Batch) {
			if m.is(Hangs) {
				blank(b)
			}
		}, flush: func(ctx context.Context, next func(context.Context) (*pb.FlushResponse, error)) (*pb.FlushResponse, error) {
			return next(ctx)
		}}
	}},
	{"waits with Health", "sink-hangs-health", func(m *memory) *middle {
		return &middle{health: func(next func() *pb.HealthResponse) (*pb.HealthResponse, error) {
			if m.is(Hangs) {
				time.Sleep(testLimits.atOnce + 100*time.Millisecond)
			}
			return next(), nil
		}}
	}},
	{"knows no deadline", "sink-hangs-flush", always(&middle{flush: func(ctx context.Context, next func(context.Context) (*pb.FlushResponse, error)) (*pb.FlushResponse, error) {
		if _, ok := ctx.Deadline(); ok {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return next(ctx)
	}})},
	{"cut short by any Flush", "sink-hangs-patience", func(m *memory) *middle {
		return &middle{flush: func(ctx context.Context, next func(context.Context) (*pb.FlushResponse, error)) (*pb.FlushResponse, error) {
			if m.is(Hangs) {
				hasty, cancel := context.WithTimeout(ctx, testLimits.patience/2)
				defer cancel()
				ctx = hasty
			}
			return next(ctx)
		}}
	}},
}

// refusingLarge ends the stream at batches of some sizes.
func refusingLarge(attributes, from, to int) func(*memory) *middle {
	return always(&middle{stop: func(b *pb.Batch) error {
		n := 0
		for _, s := range b.GetStrings() {
			n += len(s)
		}
		if n >= from && n <= to && len(b.GetAttributes().GetKey()) >= attributes {
			return status.Error(codes.ResourceExhausted, "too large")
		}
		return nil
	}})
}

// shuttingDown changes the answer to the n-th Shutdown, of a backend that was used or not.
func shuttingDown(f func(a *pb.ShutdownResponse, n int, used bool) error) func(*memory) *middle {
	return func(*memory) *middle {
		n, used := 0, false
		return &middle{
			configure: func(_ *pb.ConfigureRequest, next func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error) {
				used = true
				return next()
			},
			shutdown: func(next func() (*pb.ShutdownResponse, error)) (*pb.ShutdownResponse, error) {
				n++
				a, err := next()
				if err == nil {
					err = f(a, n, used)
				}
				return a, err
			},
		}
	}
}

var testLimits = limits{
	start: 2 * time.Second, connect: 6 * time.Second, atOnce: 2 * time.Second, exit: 2 * time.Second,
	patience: 600 * time.Millisecond, deadline: 500 * time.Millisecond,
}

// failed returns the rules that a target does not keep, of processes or of others, or
// of those that are named.
func failed(t *testing.T, target Target, only ...string) (ids []string) {
	t.Helper()
	target.Timeout = 3 * time.Second
	target.limits = &testLimits
	check, end := target.Start(t.Context())
	defer end()
	for _, r := range Rules() {
		if r.Process != (target.Dial == nil) || len(only) > 0 && !slices.Contains(only, r.ID) {
			continue
		}
		res := check(r)
		switch {
		case res.Outcome == Failed && res.Seen == "":
			t.Errorf("%s failed and does not say why", r.ID)
		case res.Outcome == Failed:
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// TestBroken: a backend that breaks a rule fails it, and nothing but what follows from
// that; each rule is broken by one at least.
func TestBroken(t *testing.T) {
	var mu sync.Mutex
	found := map[string][]string{}
	var wg sync.WaitGroup
	free := make(chan struct{}, 8) // they wait more than they work
	for _, f := range faults {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			target := asProcess(t, f.name)
			if f.broken != nil {
				target = inProcess(t, newMemory(), f.broken)
			}
			var only []string
			if raceEnabled { // the others take long, and their golden file is checked without
				only = []string{f.rule}
			}
			ids := failed(t, target, only...)
			if !slices.Contains(ids, f.rule) {
				t.Errorf("%s: keeps the rule %s", f.name, f.rule)
			}
			mu.Lock()
			defer mu.Unlock()
			found[f.name] = ids
		})
	}
	wg.Wait()
	var b strings.Builder
	broken := map[string]bool{}
	for _, f := range faults {
		fmt.Fprintf(&b, "%s: %s\n", f.name, strings.Join(found[f.name], " "))
		broken[f.rule] = true
	}
	for _, r := range Rules() {
		if !broken[r.ID] {
			t.Errorf("no backend is there that breaks %s", r.ID)
		}
	}
	if !raceEnabled {
		golden(t, "broken.txt", b.String())
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what it was: run with -update and look at the difference\n%s", path, got)
	}
}

// TestReference: a backend without faults keeps all rules, in the process and as one.
func TestReference(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]Target{
		"in process": inProcess(t, newMemory(), nil), "as a process": asProcess(t, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ids := failed(t, target); len(ids) > 0 {
				t.Errorf("failed: %v", ids)
			}
		})
	}
}
