package wire_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

func TestWhatIsDecodedIsWhatWasSaid(t *testing.T) {
	for _, size := range []int{1, 7, 4096} {
		dec := wire.NewDecoder()
		for seed := range uint64(100) {
			var said, heard callbacktest.Recorder
			hooktest.Random(&said, seed)
			for _, b := range encode(said.Events(), size) {
				if err := dec.Deliver(b, &heard); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(hooktest.Lines(said.Events()), hooktest.Lines(heard.Events())); diff != "" {
				t.Fatalf("seed %d, batches of %d: (-said +heard)\n%s", seed, size, diff)
			}
			if err := callbacktest.Check(heard.Events()); err != nil {
				t.Fatalf("seed %d, batches of %d: %v", seed, size, err)
			}
		}
		if dec.Open() != 0 || dec.Ignored != 0 || dec.Evicted != 0 {
			t.Errorf("%d scopes open, %d events ignored, %d scopes evicted", dec.Open(), dec.Ignored, dec.Evicted)
		}
	}
}

// A backend that was started again has seen nothing of what went before.
func TestEveryBatchCanBeReadAlone(t *testing.T) {
	for seed := range uint64(50) {
		var said callbacktest.Recorder
		hooktest.Random(&said, seed)
		events := said.Events()
		const size = 3
		for i, b := range encode(events, size) {
			var heard callbacktest.Recorder
			if err := wire.NewDecoder().Deliver(b, &heard); err != nil {
				t.Fatal(err)
			}
			want := events[i*size : min((i+1)*size, len(events))]
			if diff := cmp.Diff(hooktest.Lines(want), hooktest.Lines(heard.Events())); diff != "" {
				t.Fatalf("seed %d, batch %d: (-said +heard)\n%s", seed, i, diff)
			}
		}
	}
}

func TestNodesAreTheSameInAllBatches(t *testing.T) {
	var said, heard callbacktest.Recorder
	hooktest.Random(&said, 3)
	dec := wire.NewDecoder()
	for _, b := range encode(said.Events(), 2) {
		if err := dec.Deliver(b, &heard); err != nil {
			t.Fatal(err)
		}
	}
	byName := map[string]*callbacks.Node{}
	for _, e := range heard.Events() {
		n := e.Context.Node()
		if old := byName[n.Name]; old != nil && old != n {
			t.Fatalf("two nodes for %s", n.Name)
		}
		byName[n.Name] = n
	}
}

func TestUnknownHooksAreIgnoredAndCounted(t *testing.T) {
	var said, heard callbacktest.Recorder
	hooktest.Random(&said, 1)
	b := encode(said.Events(), 4096)[0]
	b.Events.Hook[1] = 99
	dec := wire.NewDecoder()
	if err := dec.Deliver(b, &heard); err != nil {
		t.Fatal(err)
	}
	if got, want := len(heard.Events()), len(said.Events())-1; got != want || dec.Ignored != 1 {
		t.Errorf("%d events and %d ignored, want %d and 1", got, dec.Ignored, want)
	}
}

// full returns a batch that has each table which random runs can fill.
func full() *pb.Batch {
	for seed := uint64(0); ; seed += 3 { // of those that are resumed
		var said callbacktest.Recorder
		hooktest.Random(&said, seed)
		b := encode(said.Events(), 4096)[0]
		if b.Lookups != nil && b.Cached != nil && b.Metrics != nil && b.Counts != nil && b.Resumed != nil {
			return b
		}
	}
}

func TestMalformedBatchesAreRefusedWhole(t *testing.T) {
	tests := map[string]func(*pb.Batch){
		"seq":            func(b *pb.Batch) { b.Seq = 0 },
		"no strings":     func(b *pb.Batch) { b.Strings = nil },
		"no runs":        func(b *pb.Batch) { b.Runs = nil },
		"empty run":      func(b *pb.Batch) { b.Runs[0] = nil },
		"no nodes":       func(b *pb.Batch) { b.Nodes = nil },
		"empty node":     func(b *pb.Batch) { b.Nodes[0] = nil },
		"no trace id":    func(b *pb.Batch) { b.Runs[0].TraceHi, b.Runs[0].TraceLo = 0, 0 },
		"no span id":     func(b *pb.Batch) { b.Events.Span[0] = 0 },
		"short column":   func(b *pb.Batch) { b.Events.Path = b.Events.Path[1:] },
		"missing column": func(b *pb.Batch) { b.Events.Flags = nil },
		"path":           func(b *pb.Batch) { b.Events.Path[0] = 1 << 31 },
		"error text": func(b *pb.Batch) {
			b.Errors = &pb.Errors{Event: []uint32{0}, Type: []uint32{0}, Message: []uint32{9999}, Stack: []uint32{0}}
		},
		"error event": func(b *pb.Batch) {
			b.Errors = &pb.Errors{Event: []uint32{9999}, Type: []uint32{0}, Message: []uint32{0}, Stack: []uint32{0}}
		},
		"retries":         func(b *pb.Batch) { b.Retries = &pb.Retries{Event: []uint32{0}} },
		"maps":            func(b *pb.Batch) { b.Maps = &pb.Maps{Event: []uint32{0}} },
		"cached":          func(b *pb.Batch) { b.Cached = &pb.Cached{Event: []uint32{0}} },
		"attributes":      func(b *pb.Batch) { b.Attributes = &pb.Attributes{Event: []uint32{0}} },
		"node of a run":   func(b *pb.Batch) { b.Runs[0].Node = 77 },
		"name of a node":  func(b *pb.Batch) { b.Nodes[0].Name = 1e6 },
		"run of an event": func(b *pb.Batch) { b.Events.Run[0] = 5 },
		"few runners":     func(b *pb.Batch) { b.Events.Runner = []uint32{0} },
		"runner":          func(b *pb.Batch) { b.Events.Runner = slices.Repeat([]uint32{1e6}, len(b.Events.Hook)) },
		"lookups":         func(b *pb.Batch) { b.Lookups = &pb.Lookups{Event: []uint32{0}} },
		"lookup's event":  func(b *pb.Batch) { b.Lookups.Event[0] = 1e6 },
		"few tiers":       func(b *pb.Batch) { b.Lookups.Tier = append(b.Lookups.Tier, 0) },
		"lookup's tier":   func(b *pb.Batch) { b.Lookups.Tier[0] = 1e6 },
		"few stored":      func(b *pb.Batch) { b.Lookups.Stored = append(b.Lookups.Stored, 0) },
		"tiers of cached": func(b *pb.Batch) { b.Cached.Tier[0] = 1e6 },
		"sizes of cached": func(b *pb.Batch) { b.Cached.Size = append(b.Cached.Size, 0) },
		"lookup's reason": func(b *pb.Batch) { b.Lookups.Reason[0] = 1e6 },
		"resumed":         func(b *pb.Batch) { b.Resumed = &pb.Resumed{Event: []uint32{0}} },
		"empty export":    func(b *pb.Batch) { b.Exports = []*pb.Export{nil} },
		"counts":          func(b *pb.Batch) { b.Counts = &pb.Counts{Event: []uint32{0}} },
		"metrics":         func(b *pb.Batch) { b.Metrics = &pb.Metrics{Event: []uint32{0}} },
		"metric's event":  func(b *pb.Batch) { b.Metrics.Event[0] = 1e6 },
		"metric's name":   func(b *pb.Batch) { b.Metrics.Name[0] = 1e6 },
		"count's event":   func(b *pb.Batch) { b.Counts.Event[0] = 1e6 },
		"few queued":      func(b *pb.Batch) { b.Events.Queued = []uint64{0} },
		"few took": func(b *pb.Batch) {
			b.Retries = &pb.Retries{Event: []uint32{0, 0}, Delay: []int64{0, 0}, Took: []int64{0}}
		},
		"captured text": func(b *pb.Batch) {
			b.Attributes = &pb.Attributes{Event: []uint32{0}, Key: []uint32{0}, Type: []pb.Attributes_Type{pb.Attributes_TYPE_JSON}, Value: []uint64{1 << 40}}
		},
		"recorded": func(b *pb.Batch) { b.Recorded = &pb.Recorded{Event: []uint32{0}} },
		"recorded's event": func(b *pb.Batch) {
			b.Recorded = &pb.Recorded{Event: []uint32{1e6}, Attempt: []uint32{0}, Failure: []uint32{0}, Span: [][]byte{nil}}
		},
		"resumed event": func(b *pb.Batch) { b.Resumed.Event[0] = 1e6 },
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			var heard callbacktest.Recorder
			b := full()
			breakIt(b)
			if err := wire.NewDecoder().Deliver(b, &heard); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("error %v, want ErrMalformed", err)
			}
			if n := len(heard.Events()); n > 0 {
				t.Errorf("%d hooks were called", n)
			}
		})
	}
}

type panics struct{ callbacktest.Recorder }

func (*panics) OnNodeEnd(*callbacks.CallbackContext, callbacks.NodeEnd) { panic("ouch") }

func TestAPanicDoesNotStopTheOthers(t *testing.T) {
	var said callbacktest.Recorder
	hooktest.Random(&said, 1)
	var heard panics
	err := wire.NewDecoder().Deliver(encode(said.Events(), 4096)[0], &heard)
	if err == nil || !strings.Contains(err.Error(), "panicked in OnNodeEnd: ouch") {
		t.Errorf("error %v", err)
	}
	last := heard.Events()[len(heard.Events())-1]
	if last.Hook != callbacks.HookPipelineEnd {
		t.Errorf("the last call was %s", last.Hook)
	}
}

type badError struct{}

func (badError) Error() string { panic("no text") }

func TestErrorsAreCutAndMadeSafe(t *testing.T) {
	if e := wire.NewError(badError{}, clip); e.Message == "" || e.Type == "" {
		t.Errorf("%+v", e)
	}
	e := wire.NewError(errors.New(strings.Repeat("ä", 4000)), clip)
	if len(e.Message) > 1024 || !strings.HasSuffix(e.Message, "ä...") {
		t.Errorf("%d bytes, ending %q", len(e.Message), e.Message[len(e.Message)-8:])
	}
}
