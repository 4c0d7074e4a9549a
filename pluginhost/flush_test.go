//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/testscale"
)

// exporting is an instance, in this process, whose exports take a while.
type exporting struct {
	spanTaker

	takes time.Duration
	err   error
}

func (e *exporting) Flush(ctx context.Context) error {
	select {
	case <-time.After(e.takes):
		return e.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *exporting) host(t *testing.T) *Host {
	t.Helper()
	h := start(t, Spec{Name: "slow", Launch: InProcess(backend.Backend{
		Name: "slow", Open: func(context.Context, backend.Config) (backend.Instance, error) { return e, nil },
	})})
	ready(t, h)
	return h
}

// TestFlushCutsNothingShort: it stops waiting, and the export goes on.
func TestFlushCutsNothingShort(t *testing.T) {
	h := (&exporting{takes: 600 * time.Millisecond}).host(t)
	n := hooktest.Random(h, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := h.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush: %v", err)
	}
	await(t, 5*time.Second, "settled", func() bool { return h.Stats().InFlight == 0 })
	if st := h.Stats(); st.Delivered != uint64(n) || st.Lost() > 0 {
		t.Errorf("%d events: %+v", n, st)
	}
}

// TestFlushTellsOfLosses: how many, and why.
func TestFlushTellsOfLosses(t *testing.T) {
	h := (&exporting{takes: 50 * time.Millisecond, err: errors.New("collector: connection refused")}).host(t)
	hooktest.Random(h, 1)
	err := h.Flush(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), " events lost: the backend could not export them: collector: connection refused") {
		t.Errorf("Flush: %v", err)
	}
	if st := h.Stats(); st.Dropped[ExportFailed] != st.Emitted {
		t.Errorf("%+v", st)
	}
}

// lossy is an instance of which an export loses a part, and says what it is doing.
type lossy struct{ exporting }

func (*lossy) Doing() string { return "export to http://nowhere: no answer so far" }

type part struct{ error }

func (part) Lost() backend.Losses { return backend.Losses{Hooks: 2} }

// TestAPartOfAFlushIsLost: what else was in it is delivered.
func TestAPartOfAFlushIsLost(t *testing.T) {
	h := (&exporting{takes: 50 * time.Millisecond, err: part{errors.New("two refused")}}).host(t)
	hooktest.Random(h, 1)
	if err := h.Flush(t.Context()); err == nil || !strings.HasSuffix(err.Error(), " events lost: the backend could not export them: two refused") {
		t.Errorf("Flush: %v", err)
	}
	st := h.Stats()
	if lost := st.Lost(); lost == 0 || lost%2 != 0 || lost > st.Emitted/2 || st.Delivered+lost != st.Emitted {
		t.Errorf("%+v", st)
	}
}

// TestFlushTellsWhatHangs: which backend, how much, and what it is doing.
func TestFlushTellsWhatHangs(t *testing.T) {
	in := &lossy{exporting{takes: 700 * time.Millisecond}}
	h := start(t, Spec{Name: "slow", Launch: InProcess(backend.Backend{
		Name: "slow", Open: func(context.Context, backend.Config) (backend.Instance, error) { return in, nil },
	})})
	ready(t, h)
	hooktest.Random(h, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := h.Flush(ctx)
	want := regexp.MustCompile(`^backend "slow": flush: \d+ events are not acknowledged, the first of them sent \d+ms ago; export to http://nowhere: no answer so far: context deadline exceeded$`)
	if err == nil || !want.MatchString(err.Error()) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush: %v", err)
	}
}

// wordy is an instance that has a lot to say at its end.
type wordy struct {
	exporting

	out io.Writer
}

func (w *wordy) Close(context.Context) error {
	_, err := w.out.Write(make([]byte, 2<<20))
	return err
}

// TestFlushBesideShutdown: that the backend has let go of its instance is no error of it.
func TestFlushBesideShutdown(t *testing.T) {
	for range testscale.N(10) {
		h := start(t, Spec{Name: "slow", Output: io.Discard, Launch: InProcess(backend.Backend{
			Name: "slow", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
				return &wordy{exporting{takes: time.Millisecond}, c.Output}, nil
			},
		})})
		ready(t, h)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					if err := h.Flush(t.Context()); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}
