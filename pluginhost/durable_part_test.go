//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// requester is an instance that sends what each export holds in a request of its own.
type requester struct {
	callbacks.Base

	answer func(name string) error // nil takes it

	waiting  chan struct{} // the first flush waits for it
	came     []string
	exported uint64

	mu      sync.Mutex
	sent    map[string]int // requests, also those that were refused
	arrived map[string]int
}

func (r *requester) OnTraces(_ context.Context, q *coltracepb.ExportTraceServiceRequest) error {
	r.came = append(r.came, q.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName())
	return nil
}

func (r *requester) Flush(context.Context) error {
	<-r.waiting
	r.mu.Lock()
	defer r.mu.Unlock()
	var failed error
	lost := 0
	for _, name := range r.came {
		r.sent[name]++
		if err := r.answer(name); err != nil {
			failed, lost = err, lost+1
			continue
		}
		r.arrived[name]++
		r.exported++
	}
	r.came = nil
	if failed == nil {
		return nil
	}
	return backend.Lost(failed, backend.Losses{Traces: lost})
}

func (r *requester) Exported() uint64                { return r.exported }
func (r *requester) Close(ctx context.Context) error { return r.Flush(ctx) }

// deliver sends batches of some requests each, of which the first ones are acknowledged
// together.
func (r *requester) deliver(t *testing.T, batches, each int) Stats {
	t.Helper()
	r.waiting, r.sent, r.arrived = make(chan struct{}), map[string]int{}, map[string]int{}
	h := start(t, Spec{Name: "x", Durable: &Durable{Dir: spoolDir(t)}, retryDelay: time.Millisecond, Launch: InProcess(backend.Backend{
		Name: "x", Linger: time.Hour, // what makes a batch is stored
		Open: func(context.Context, backend.Config) (backend.Instance, error) { return r, nil },
	})})
	for b := range batches {
		for i := range each {
			h.Export(Traces, marshalled(t, spans(fmt.Sprintf("%d-%d", b, i))))
		}
		stored(t, h)
	}
	close(r.waiting)
	flushWithin(t, h)
	exact(t, h)
	return h.Stats()
}

// TestAProxyThatRefusesEverySecondRequest has a good collector behind it, so that nothing
// is given up.
func TestAProxyThatRefusesEverySecondRequest(t *testing.T) {
	t.Parallel()
	for kind, err := range map[string]error{"refused": unwanted{errors.New("400")}, "nobody says why": errors.New("500")} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := 0
			r := &requester{answer: func(string) error {
				if n++; n%2 == 0 {
					return err
				}
				return nil
			}}
			if st := r.deliver(t, 40, 1); st.Delivered != 40 || st.Lost() > 0 || len(r.arrived) != 40 {
				t.Errorf("%d arrived: %+v", len(r.arrived), st)
			}
		})
	}
}

// TestAPoisonSpan takes nothing of other batches along, and of its own no more than its
// request, and that after the third time.
func TestAPoisonSpan(t *testing.T) {
	t.Parallel()
	for _, each := range []int{1, 3} {
		t.Run(fmt.Sprint(each), func(t *testing.T) {
			t.Parallel()
			r := &requester{answer: func(name string) error {
				if name == "7-0" {
					return unwanted{errors.New("400")}
				}
				return nil
			}}
			st := r.deliver(t, 20, each)
			if diff := cmp.Diff(map[Reason]uint64{ExportFailed: 1}, st.Dropped); diff != "" {
				t.Error(diff)
			}
			if len(r.arrived) != 20*each-1 || st.Delivered != uint64(20*each-1) {
				t.Errorf("%d arrived: %+v", len(r.arrived), st)
			}
			if n := r.sent["7-0"]; n < maxTries || n > 1+maxTries {
				t.Errorf("it was sent %d times, want %d, and once with others", n, maxTries)
			}
		})
	}
}

// rejected is a partial success of OTLP.
type rejected struct{ error }

func (rejected) Failure() pb.Failure { return pb.Failure_FAILURE_REJECTED }

// TestAPartialSuccess is a final answer, which OTLP has nobody try again.
func TestAPartialSuccess(t *testing.T) {
	t.Parallel()
	r := &requester{answer: func(name string) error {
		if name == "7-0" {
			return rejected{errors.New("the collector rejected 1 of 3 spans")}
		}
		return nil
	}}
	st := r.deliver(t, 20, 3)
	if diff := cmp.Diff(map[Reason]uint64{ExportFailed: 1}, st.Dropped); diff != "" {
		t.Error(diff)
	}
	for name, n := range r.sent {
		if n != 1 {
			t.Errorf("%s was sent %d times", name, n)
		}
	}
}

// TestPartsThatArriveInTurn: what has arrived once is not lost, though each time another
// part does not.
func TestPartsThatArriveInTurn(t *testing.T) {
	t.Parallel()
	c := &courier{tries: map[letter]tries{}, takes: func(Signal) bool { return true }}
	p := &parcel{events: 5, stamp: stamp{came: units{3, 2}}}
	for i, lost := range []units{{3}, {0, 2}} {
		if p.answered {
			t.Fatalf("answered after %d", i)
		}
		c.exported++
		c.refuse(p, refused, &answer{lost: lost, exported: true}, true)
	}
	if !p.answered || p.failed || p.outcome.lost != 0 {
		t.Errorf("%+v", p)
	}
}
