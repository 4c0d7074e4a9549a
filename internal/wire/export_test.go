package wire_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

var update = flag.Bool("update", false, "write the golden files")

// mixed returns the events of a run with an export of each signal: before all,
// among them, and after.
func mixed() *pb.Batch {
	var said callbacktest.Recorder
	run := hooktest.Start(&said, hooktest.Config("daily"))
	run.Node("fetch").OK(0)
	run.OK(0)
	enc := wire.NewEncoder()
	enc.Begin(7, 1, 0)
	order := uint64(0)
	next := func() uint64 { order++; return order }
	enc.AddExport(pb.Signal_SIGNAL_LOGS, next(), []byte("before"))
	for i, e := range said.Events() {
		r, x := record(e)
		r.Order = next()
		enc.Add(&r, x)
		if i == 1 { // the node has begun
			enc.AddExport(pb.Signal_SIGNAL_TRACES, next(), []byte("inside"))
			enc.AddExport(pb.Signal_SIGNAL_LOGS, next(), []byte("inside too"))
		}
	}
	enc.AddExport(pb.Signal_SIGNAL_METRICS, next(), []byte("after"))
	b, _ := proto.Clone(enc.Batch()).(*pb.Batch)
	return b
}

// heardOf returns what is heard of a batch, in order.
func heardOf(t *testing.T, b *pb.Batch) []string {
	t.Helper()
	var list []string
	hook := func(name string) { list = append(list, name) }
	dec := wire.NewDecoder()
	dec.Export = func(signal pb.Signal, request []byte) (bool, error) {
		list = append(list, fmt.Sprintf("%s %s", signal, request))
		return true, nil
	}
	err := dec.Deliver(b, callbacks.Funcs{
		PipelineStart: func(*callbacks.CallbackContext, callbacks.PipelineStart) { hook("pipeline start") },
		PipelineEnd:   func(*callbacks.CallbackContext, callbacks.PipelineEnd) { hook("pipeline end") },
		NodeStart:     func(*callbacks.CallbackContext, callbacks.NodeStart) { hook("node start") },
		NodeEnd:       func(*callbacks.CallbackContext, callbacks.NodeEnd) { hook("node end") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestExportsStandAmongTheEvents(t *testing.T) {
	want := []string{
		"SIGNAL_LOGS before", "pipeline start", "node start", "SIGNAL_TRACES inside", "SIGNAL_LOGS inside too",
		"node end", "pipeline end", "SIGNAL_METRICS after",
	}
	if diff := cmp.Diff(want, heardOf(t, mixed())); diff != "" {
		t.Errorf("(-want +heard)\n%s", diff)
	}
}

// TestGoldenBatch: what a host of today sends is what it will have sent, to the
// byte, and means the same.
func TestGoldenBatch(t *testing.T) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(mixed())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "exports.batch")
	if *update {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b pb.Batch
	if err := proto.Unmarshal(golden, &b); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(&b, mixed()) {
		t.Errorf("%s is not what is sent now: %v", file, &b)
	}
	if got, want := heardOf(t, &b), heardOf(t, mixed()); !cmp.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// TestOlderBackends: one that does not know of exports reads the rest, because it
// does not know the field.
func TestOlderBackends(t *testing.T) {
	data, err := proto.Marshal(mixed())
	if err != nil {
		t.Fatal(err)
	}
	const unknown = 2000 // in place of exports, which such a backend does not know
	var renamed []byte
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		size := protowire.ConsumeFieldValue(num, typ, data[n:])
		if n < 0 || size < 0 {
			t.Fatal("not a message")
		}
		if num == 15 {
			num = unknown
		}
		renamed = append(protowire.AppendTag(renamed, num, typ), data[n:n+size]...)
		data = data[n+size:]
	}
	var b pb.Batch
	if err := proto.Unmarshal(renamed, &b); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(heardOf(t, &b), ", "); got != "pipeline start, node start, node end, pipeline end" {
		t.Errorf("heard %s", got)
	}
}

func TestABatchOfExportsOnly(t *testing.T) {
	enc := wire.NewEncoder()
	enc.Begin(7, 1, 0)
	enc.AddExport(pb.Signal_SIGNAL_TRACES, 1, []byte("a"))
	enc.AddExport(pb.Signal_SIGNAL_TRACES, 2, []byte("b"))
	if got := strings.Join(heardOf(t, enc.Batch()), ", "); got != "SIGNAL_TRACES a, SIGNAL_TRACES b" {
		t.Errorf("heard %s", got)
	}
	enc.Begin(7, 2, 0)
	if n := len(enc.Batch().GetExports()); n != 0 {
		t.Errorf("the next batch begins with %d exports", n)
	}
}

func TestExportsThatNobodyTakesAreCounted(t *testing.T) {
	for name, export := range map[string]func(pb.Signal, []byte) (bool, error){
		"none":  nil,
		"other": func(pb.Signal, []byte) (bool, error) { return false, nil },
	} {
		dec := wire.NewDecoder()
		dec.Export = export
		if err := dec.Deliver(mixed(), callbacks.Base{}); err != nil || dec.IgnoredExports != 4 {
			t.Errorf("%s: %d ignored, %v", name, dec.IgnoredExports, err)
		}
	}
}

func TestAFailedExportDoesNotStopTheOthers(t *testing.T) {
	for name, fail := range map[string]func() error{
		"no such file":                           func() error { return errors.New("no such file") },
		"instance panicked over SIGNAL_LOGS: oh": func() error { panic("oh") },
	} {
		dec := wire.NewDecoder()
		calls := 0
		dec.Export = func(pb.Signal, []byte) (bool, error) {
			if calls++; calls == 1 {
				return true, fail()
			}
			return true, nil
		}
		var heard callbacktest.Recorder
		err := dec.Deliver(mixed(), &heard)
		if err == nil || !strings.HasPrefix(err.Error(), name) || calls != 4 || len(heard.Events()) != 4 {
			t.Errorf("%v after %d exports and %d events, want %s", err, calls, len(heard.Events()), name)
		}
	}
}

// TestTheLargestExportFits: a request of MaxExport bytes fits in a batch, however
// large the numbers around it.
func TestTheLargestExportFits(t *testing.T) {
	enc := wire.NewEncoder()
	enc.Begin(1<<64-1, 1<<64-1, 1<<64-1)
	enc.AddExport(pb.Signal_SIGNAL_METRICS, 1<<64-1, make([]byte, wire.MaxExport))
	if n := proto.Size(enc.Batch()); n > wire.MaxBatch {
		t.Errorf("%d bytes, more than %d", n, wire.MaxBatch)
	}
}
