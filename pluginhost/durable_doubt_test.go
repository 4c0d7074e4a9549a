//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// TestJudge has a line for each thing that an answer can say.
func TestJudge(t *testing.T) {
	c := &courier{takes: func(s Signal) bool { return s != Metrics }}
	came := units{5, 2, 3, 0} // and nobody takes the three
	hooks, wanted, all := units{5}, units{5, 2}, everything
	for _, tt := range []struct {
		name string
		a    answer
		want verdict
	}{
		{"all is delivered", answer{exported: true}, settled},
		{"there was nothing to export", answer{}, settled},
		{"away", answer{lost: all, failure: pb.Failure_FAILURE_AWAY}, later},
		{"away, for a part", answer{lost: hooks, exported: true, failure: pb.Failure_FAILURE_AWAY}, later},
		{"refused", answer{lost: all, failure: pb.Failure_FAILURE_REFUSED}, refused},
		{"refused, but for what is not taken", answer{lost: wanted, failure: pb.Failure_FAILURE_REFUSED}, refused},
		{"refused in part", answer{lost: hooks, exported: true, failure: pb.Failure_FAILURE_REFUSED}, refused},
		{"a partial success", answer{lost: hooks, exported: true, failure: pb.Failure_FAILURE_REJECTED}, settled},
		{"a success that is none", answer{lost: wanted, failure: pb.Failure_FAILURE_REJECTED}, refused},
		{"lost", answer{lost: all}, doubtful},
		{"lost, but for what is not taken", answer{lost: wanted}, doubtful},
		{"lost, when something else arrived", answer{lost: wanted, exported: true}, doubtful},
		{"lost in part, when nothing arrived", answer{lost: hooks}, doubtful},
		{"lost in part, and the rest arrived", answer{lost: hooks, exported: true}, doubtful},
	} {
		if got := c.judge(&tt.a, &came); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestRefusals: which times count.
func TestRefusals(t *testing.T) {
	const (
		arrived  = verdict(100) // of something else
		together = verdict(101) // refused with others
	)
	for _, tt := range []struct {
		name  string
		story []verdict
		want  bool // given up
	}{
		{"away", slices.Repeat([]verdict{later, arrived}, 10), false},
		{"in doubt, and nothing arrives", slices.Repeat([]verdict{doubtful}, 10), false},
		{"in doubt, and something had arrived", append([]verdict{arrived, arrived}, slices.Repeat([]verdict{doubtful}, 10)...), false},
		{"in doubt, and something arrives once", append([]verdict{doubtful, arrived}, slices.Repeat([]verdict{doubtful}, 10)...), false},
		{"in doubt, and something arrives each time", []verdict{doubtful, arrived, doubtful, arrived, doubtful, arrived, doubtful}, true},
		{"refused, and nothing arrives", slices.Repeat([]verdict{refused}, 10), false},
		{"refused, and something had arrived", append([]verdict{arrived}, slices.Repeat([]verdict{refused}, 10)...), false},
		{"refused twice", []verdict{refused, arrived, refused}, false},
		{"refused three times", []verdict{refused, arrived, refused, refused}, true},
		{"refused with others", append([]verdict{together, arrived}, slices.Repeat([]verdict{together}, 10)...), false},
		{"refused with others, and twice alone", []verdict{together, arrived, refused, arrived, refused}, false},
		{"refused with others, and three times alone", []verdict{together, arrived, refused, refused, refused}, true},
		{"refused twice, and away", []verdict{refused, arrived, refused, later, later, later}, false},
	} {
		c := &courier{tries: map[letter]tries{}, takes: func(Signal) bool { return true }}
		p := &parcel{events: 1, stamp: stamp{came: units{1}}}
		for _, v := range tt.story {
			if v == arrived {
				c.exported++
				continue
			}
			if p.answered {
				t.Errorf("%s: given up too early", tt.name)
			}
			alone := v != together
			if !alone {
				v = refused
			}
			c.refuse(p, v, &answer{lost: everything}, alone)
		}
		if p.answered != tt.want {
			t.Errorf("%s: given up: %t", tt.name, p.answered)
		}
	}
}

// TestNothingToExportIsNoSign: a backend without a collector takes starts, and exports
// of other signals, without an error, as often as they come.
func TestNothingToExportIsNoSign(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	fail := func(names []string) error {
		if len(names) > 0 {
			return errAway
		}
		return nil
	}
	s.set(fail)
	h := start(t, s.spec(dir))
	metrics, err := proto.Marshal(&colmetricspb.ExportMetricsServiceRequest{})
	if err != nil {
		t.Fatal(err)
	}
	run := hooktest.Start(h, hooktest.Config("daily"))
	for i := range 20 {
		emit(t, h, fmt.Sprint("a", i), 1)
		h.queue.export(export{signal: Metrics, request: metrics}) // as before it is known that it takes none
		stored(t, h)
		run.Nested(fmt.Sprint("n", i)) // begins, and goes on
		stored(t, h)
	}
	await(t, 10*time.Second, "tried often", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.served > 200
	})
	if st := h.Stats(); st.Lost() > 0 || st.Kept < 20 {
		t.Errorf("%+v", st)
	}
	s.set(nil)
	flush(t, h)
	if got, again := s.distinct(); got != 20 || again > 0 {
		t.Errorf("%d arrived, %d again", got, again)
	}
}

// TestWhatNobodySaysWhy: a batch that the backend cannot export for a reason of its own is
// given up when the others arrive before and after it, and keeps none of them back.
func TestWhatNobodySaysWhy(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	s.set(func(names []string) error {
		if slices.Contains(names, "bad0") {
			return errors.New("no")
		}
		return nil
	})
	h := start(t, s.spec(dir))
	emit(t, h, "bad", 1)
	n := 0
	for began := time.Now(); h.Stats().Lost() == 0; n++ {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%+v", h.Stats())
		}
		emit(t, h, fmt.Sprintf("good%d-", n), 1)
	}
	flushWithin(t, h)
	if diff := cmp.Diff(map[Reason]uint64{ExportFailed: 1}, h.Stats().Dropped); diff != "" {
		t.Error(diff)
	}
	if got, again := s.distinct(); got != n || again > 0 {
		t.Errorf("%d of %d arrived, %d again", got, n, again)
	}
	exact(t, h)
}

// TestOneKeepsNobodyBack: what is never exported does not keep back what comes after
// more than the window.
func TestOneKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	s.set(func(names []string) error {
		if slices.Contains(names, "slow0") {
			return context.DeadlineExceeded
		}
		return nil
	})
	sp := s.spec(dir)
	h := start(t, sp)
	emit(t, h, "slow", 1)
	const n = 3 * maxUnacked
	for i := range n {
		emit(t, h, fmt.Sprintf("good%d-", i), 1)
	}
	await(t, 10*time.Second, "all the others there", func() bool { got, _ := s.distinct(); return got == n })
	if st := h.Stats(); st.Lost() > 0 {
		t.Errorf("%+v", st)
	}
}
