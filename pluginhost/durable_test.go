//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/testscale"
)

// sink is an instance, in this process, that exports the names of spans.
type sink struct {
	callbacks.Base

	mu     sync.Mutex
	fail   func(names []string) error // of a flush
	came   []string
	got    map[string]int
	hung   chan struct{} // a flush waits for it
	served int
}

func (s *sink) OnTraces(_ context.Context, r *coltracepb.ExportTraceServiceRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, sp := range ss.GetSpans() {
				s.came = append(s.came, sp.GetName())
			}
		}
	}
	return nil
}

func (s *sink) Flush(ctx context.Context) error {
	if s.hung != nil {
		select {
		case <-s.hung:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.came
	s.came = nil
	if len(names) == 0 && s.fail == nil {
		return ctx.Err()
	}
	s.served++
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.fail != nil {
		if err := s.fail(names); err != nil {
			return err
		}
	}
	for _, n := range names {
		s.got[n]++
	}
	return nil
}

func (s *sink) Close(ctx context.Context) error { return s.Flush(ctx) }

func (s *sink) set(fail func(names []string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// distinct returns how many names were exported, and how often again.
func (s *sink) distinct() (n, again int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.got {
		n++
		again += k - 1
	}
	return n, again
}

func newSink() *sink { return &sink{got: map[string]int{}} }

func (s *sink) spec(dir string) Spec {
	return Spec{Name: "sink", Durable: &Durable{Dir: dir}, retryDelay: 5 * time.Millisecond, Launch: InProcess(backend.Backend{
		Name: "sink", Linger: time.Millisecond,
		Open: func(context.Context, backend.Config) (backend.Instance, error) { return s, nil },
	})}
}

var errAway = errors.New("connection refused")

func away([]string) error { return errAway }

func spoolDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "spool")
}

// emit makes n exports, in batches of their own mostly, and waits until they are kept.
func emit(t testing.TB, h *Host, prefix string, n int) {
	t.Helper()
	for i := range n {
		h.Export(Traces, marshalled(t, spans(fmt.Sprintf("%s%d", prefix, i))))
		if i%3 == 2 {
			stored(t, h)
		}
	}
	stored(t, h)
}

func stored(t testing.TB, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h.store(ctx)
	if ctx.Err() != nil {
		t.Fatalf("not stored: %+v", h.Stats())
	}
}

// unused checks that nothing is left in a spool.
func unused(t testing.TB, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("left in the spool: %v %v", list, err)
	}
}

func replayed(t testing.TB, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(testscale.N(10))*time.Second)
	defer cancel()
	if err := h.Replay(ctx); err != nil {
		t.Fatalf("%v: %+v", err, h.Stats())
	}
}

// TestTheNextStartDelivers what a program has left whose backend was not there.
func TestTheNextStartDelivers(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(dir string) Spec{
		"starting": func(dir string) Spec { return Spec{Name: "x", Launch: neverReady{}, Durable: &Durable{Dir: dir}} },
		"down": func(dir string) Spec {
			return Spec{Name: "x", Launch: Command("/nowhere"), Durable: &Durable{Dir: dir}}
		},
		"away": func(dir string) Spec {
			s := newSink()
			s.set(away)
			return s.spec(dir)
		},
		"hung": func(dir string) Spec {
			s := newSink()
			s.hung = make(chan struct{})
			return s.spec(dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := spoolDir(t)
			h := start(t, before(dir))
			const n = 200
			emit(t, h, "a", n)
			h.Export(Traces, marshalled(t, spans("last"))) // Shutdown stores it
			shutdown(t, h, 500*time.Millisecond)
			st := h.Stats()
			if st.Kept != n+1 || st.Lost() > 0 {
				t.Fatalf("%+v", st)
			}
			if line, ok := h.Kept(); !ok || !strings.Contains(line, fmt.Sprintf("%d events are kept for the next start", n+1)) {
				t.Error(line)
			} else {
				t.Log(line)
			}
			if line, ok := h.Lost(); ok {
				t.Error(line)
			}
			s := newSink()
			h = start(t, s.spec(dir))
			emit(t, h, "b", 10)
			replayed(t, h)
			flush(t, h)
			if got, again := s.distinct(); got != n+11 || again > 0 {
				t.Errorf("%d arrived, %d again", got, again)
			}
			st = h.Stats()
			if sp := st.Spool; sp.Adopted != n+1 || sp.Delivered != n+1 || sp.Waiting != 0 || st.Delivered != 10 || st.Kept != 0 {
				t.Errorf("%+v %+v", st, sp)
			}
			shutdown(t, h, time.Second)
			unused(t, dir)
		})
	}
}

// TestOneStartDeliversWhatManyHaveLeft: more than a spool takes over at once.
func TestOneStartDeliversWhatManyHaveLeft(t *testing.T) {
	t.Parallel()
	const starts, each = 300, 2
	dir := spoolDir(t)
	var ends sync.WaitGroup
	for i := range starts {
		h := start(t, Spec{Name: "x", Launch: neverReady{}, Durable: &Durable{Dir: dir}})
		emit(t, h, fmt.Sprint("s", i, "-"), each)
		ends.Go(func() { _ = h.Shutdown(t.Context()) })
	}
	ends.Wait()
	s := newSink()
	h := start(t, s.spec(dir))
	replayed(t, h)
	if got, again := s.distinct(); got != starts*each || again > 0 {
		t.Errorf("%d arrived, %d again: %+v", got, again, h.Stats().Spool)
	}
	shutdown(t, h, time.Second)
	unused(t, dir)
}

// TestACollectorThatComesBack: nothing is lost however often it is away, and what it
// never takes does not keep the rest from it.
func TestACollectorThatComesBack(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	s.set(away)
	h := start(t, s.spec(dir))
	emit(t, h, "a", 300)
	await(t, 5*time.Second, "tried often", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.served > 2*maxUnacked+maxTries
	})
	if st := h.Stats(); st.Kept != 300 || st.Lost() > 0 {
		t.Fatalf("%+v", st)
	}
	poison := func(names []string) error {
		if slices.ContainsFunc(names, func(n string) bool { return n == "a0" || n == "a100" || n == "a299" }) {
			return unwanted{errors.New("too large")}
		}
		return nil
	}
	s.set(poison)
	emit(t, h, "b", 30)
	flushWithin(t, h)
	st := h.Stats()
	if st.Emitted != 330 || st.Kept != 0 || st.Dropped[ExportFailed] == 0 || st.Dropped[ExportFailed] > 9 || len(st.Dropped) != 1 {
		t.Errorf("%+v", st)
	}
	if got, again := s.distinct(); uint64(got) != st.Delivered || again > 0 {
		t.Errorf("%d arrived, %d again, %d delivered", got, again, st.Delivered)
	}
	exact(t, h)
	t.Logf("%v dropped, %d flushes", st.Dropped, s.served)
}

// flushWithin waits until all is settled, whatever Flush says of it.
func flushWithin(t testing.TB, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = h.Flush(ctx)
	if ctx.Err() != nil {
		t.Fatalf("%+v", h.Stats())
	}
}

// unwanted is an error of a destination that has looked at what it got.
type unwanted struct{ error }

func (unwanted) Failure() pb.Failure { return pb.Failure_FAILURE_REFUSED }

func TestAFullSpool(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	spec := s.spec(dir)
	spec.Durable.MaxBytes = 1 << 20
	s.set(away)
	h := start(t, spec)
	big := strings.Repeat("x", 50<<10)
	n := 0
	for ; h.Stats().Dropped[SpoolFull] < 10; n++ {
		emit(t, h, fmt.Sprint(n, big), 1)
		if n > 100 {
			t.Fatalf("%+v", h.Stats())
		}
	}
	st := h.Stats()
	if st.Spool.Bytes > 1<<20 || st.Kept < 15 || st.Kept+st.Lost() != uint64(n) || st.Losses.Spans != st.Lost() {
		t.Errorf("%+v %+v", st, st.Spool)
	}
	s.set(nil)
	flushWithin(t, h)
	emit(t, h, "after", 5)
	flush(t, h)
	after := h.Stats()
	if after.Delivered != st.Kept+5 || after.Lost() != st.Lost() || after.Emitted != uint64(n)+5 {
		t.Errorf("%+v", after)
	}
	shutdown(t, h, time.Second)
	lost(t, h, "the spool had no room for them")
	unused(t, dir)
}

// TestADiskThatFails: when the spool cannot be opened, and when it cannot be written to.
func TestADiskThatFails(t *testing.T) {
	t.Parallel()
	dir := spoolDir(t)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSink()
	h := start(t, s.spec(dir))
	ready(t, h)
	h.Export(Traces, marshalled(t, spans("a")))
	flush(t, h)
	if st := h.Stats(); st.Delivered != 1 || st.Spool.Err == nil {
		t.Errorf("%+v", st)
	}
	if err := h.Replay(t.Context()); err == nil {
		t.Error("it was replayed")
	}
	shutdown(t, h, time.Second)
	if line, ok := h.Lost(); !ok || !strings.Contains(line, "delivery was not durable: spool "+dir+": it is not a directory") {
		t.Error(line)
	} else {
		t.Log(line)
	}

	dir = spoolDir(t)
	h = start(t, newSink().spec(dir))
	<-h.opened
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	emit(t, h, "a", 9)
	if st := h.Stats(); st.Dropped[SpoolFailed] != 9 {
		t.Errorf("%+v", st)
	}
	if err := h.Flush(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "9 spans lost: the disk failed that was to keep them") {
		t.Errorf("Flush: %v", err)
	}
	shutdown(t, h, time.Second)
	lost(t, h, "the disk failed that was to keep them")
}

// damage changes a byte in the middle of each of some batches, and returns how many.
func damage(t *testing.T, dir string, names ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.seg"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if i := strings.Index(string(data), n); i >= 0 {
				data[i] ^= 1
			}
		}
		if err := os.WriteFile(f, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestADamagedSpool: what is damaged is lost and counted, the rest arrives.
func TestADamagedSpool(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	hold := make(chan struct{})
	s.hung = hold
	h := start(t, s.spec(dir))
	for i := range 200 {
		emit(t, h, fmt.Sprintf("name%03d-", i), 1)
	}
	await(t, 5*time.Second, "as many sent as may be", func() bool {
		h.courier.mu.Lock()
		defer h.courier.mu.Unlock()
		return h.courier.pending == maxUnacked
	})
	damage(t, dir, "name100-", "name101-", "name150-", "name199-")
	close(hold)
	flushWithin(t, h)
	st := h.Stats()
	if st.Delivered != 196 || st.Dropped[SpoolFailed] != 4 || st.Losses.Spans != 4 || st.Spool.Damaged != 4 {
		t.Errorf("%+v %+v", st, st.Spool)
	}
	if got, again := s.distinct(); got != 196 || again > 0 {
		t.Errorf("%d arrived, %d again", got, again)
	}

	s.set(away)
	for i := range 100 {
		emit(t, h, fmt.Sprintf("more%03d-", i), 1)
	}
	shutdown(t, h, 200*time.Millisecond)
	if st := h.Stats(); st.Kept != 100 {
		t.Errorf("%+v", st)
	}
	damage(t, dir, "more000-", "more050-", "more099-")
	s = newSink()
	h = start(t, s.spec(dir))
	replayed(t, h)
	if got, again := s.distinct(); got != 97 || again > 0 {
		t.Errorf("%d arrived, %d again", got, again)
	}
	if sp := h.Stats().Spool; sp.Adopted != 100 || sp.Delivered != 97 || sp.Waiting != 0 || sp.Damaged != 3 {
		t.Errorf("%+v", sp)
	}
	shutdown(t, h, time.Second)
	lost(t, h, `backend "sink": 3 events of earlier runs lost: the disk failed that was to keep them`)
	unused(t, dir)
}

// TestTwoProgramsAtOnce share the directory, and not what they keep.
func TestTwoProgramsAtOnce(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	s.set(away)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		all.Go(func() {
			h := Start(s.spec(dir))
			emit(t, h, name, 50)
			shutdown(t, h, 100*time.Millisecond)
			if st := h.Stats(); st.Kept != 50 {
				t.Errorf("%+v", st)
			}
		})
	}
	all.Wait()
	s.set(nil)
	for range 2 {
		all.Go(func() {
			h := Start(s.spec(dir))
			replayed(t, h)
			shutdown(t, h, time.Second)
		})
	}
	all.Wait()
	if got, again := s.distinct(); got != 150 || again > 0 {
		t.Errorf("%d arrived, %d again", got, again)
	}
	unused(t, dir)
}

// TestWhatIsTooOld is lost and counted, and the rest arrives.
func TestWhatIsTooOld(t *testing.T) {
	t.Parallel()
	dir, s := spoolDir(t), newSink()
	s.set(away)
	spec := s.spec(dir)
	spec.Durable.MaxBytes, spec.Durable.MaxAge = 1<<20, 50*time.Millisecond
	h := start(t, spec)
	big := strings.Repeat("x", 20<<10)
	for i := range 40 {
		emit(t, h, fmt.Sprint(i, big), 1)
		time.Sleep(5 * time.Millisecond)
	}
	s.set(nil)
	flushWithin(t, h)
	emit(t, h, "after", 1)
	flush(t, h)
	st := h.Stats()
	if got, again := s.distinct(); st.Dropped[Expired] == 0 || len(st.Dropped) != 1 || st.Emitted != 41 || st.Losses.Spans != st.Lost() || uint64(got) != st.Delivered || again > 0 {
		t.Errorf("%d arrived, %d again: %+v", got, again, st)
	}
	shutdown(t, h, time.Second)
	lost(t, h, "kept for as long as is allowed")
}

// TestLossesOfEarlierRuns are told by the program that finds them, each reason by itself,
// in its log and at its end.
func TestLossesOfEarlierRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		age    time.Duration
		fail   func(names []string) error
		want   SpoolStats
		reason string
	}{
		{"too old", time.Nanosecond, nil, SpoolStats{Expired: 7}, "they were kept for as long as is allowed"},
		{"refused", 0, func(names []string) error {
			if len(names) > 0 && strings.HasPrefix(names[0], "left") {
				return unwanted{errors.New("no such spans")}
			}
			return nil
		}, SpoolStats{Failed: 7}, "the backend could not export them: no such spans"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, s := spoolDir(t), newSink()
			s.set(away)
			h := start(t, s.spec(dir))
			for i := range 7 {
				emit(t, h, fmt.Sprint("left", i), 1)
			}
			shutdown(t, h, 200*time.Millisecond)

			var out lines
			s.set(tt.fail)
			spec := s.spec(dir)
			spec.Durable.MaxAge, spec.lossTick = tt.age, time.Millisecond
			spec.Logger = slog.New(slog.NewTextHandler(&out, nil))
			h = start(t, spec)
			if tt.age == 0 { // what others overtake is given up
				for i := 0; h.Stats().Spool.Failed < 7; i++ {
					emit(t, h, fmt.Sprint("own", i), 1)
				}
			}
			replayed(t, h)
			logged := fmt.Sprintf("level=WARN msg=%q backend=sink lost_now=", "events of earlier runs are lost")
			await(t, 10*time.Second, "logged", func() bool { return strings.Contains(strings.Join(out.all(), "\n"), logged) })
			shutdown(t, h, time.Second)
			lost(t, h, `backend "sink": 7 events of earlier runs lost: `+tt.reason)
			st := h.Stats()
			if got := *st.Spool; got.Adopted != 7 || got.Failed != tt.want.Failed || got.Expired != tt.want.Expired || got.Waiting > 0 || st.Lost() > 0 {
				t.Errorf("%s: %+v", st.Ledger(), got)
			}
			if text := strings.Join(out.all(), "\n"); strings.Contains(text, "are being sent") != (tt.age == 0) || strings.Contains(text, "telemetry is lost") {
				t.Error(text)
			}
		})
	}
}

// TestABacklogTakesNoMemory: it is on the disk.
func TestABacklogTakesNoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes some MiB")
	}
	sp := spec(t, testConfig{Flush: "fail"}) // a process, which has its own
	sp.Durable, sp.retryDelay = &Durable{Dir: spoolDir(t)}, 5*time.Millisecond
	h := start(t, sp)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	names := make([]string, 20) // the encoder knows some of them
	for i := range names {
		names[i] = fmt.Sprint(strings.Repeat("n", 1<<10), i)
	}
	fill := func() {
		run := hooktest.Start(h, hooktest.Config("daily"))
		for _, name := range names {
			run.Node(name).OK(0)
		}
		run.OK(0)
		stored(t, h)
	}
	for range 50 {
		fill()
	}
	before := heap()
	for range 500 {
		fill()
	}
	grown := (int64(heap()) - int64(before)) >> 10
	st := h.Stats()
	t.Logf("%d events in %d KiB, the heap has grown by %d KiB", st.Kept, st.Spool.Bytes>>10, grown)
	if grown > 2<<10 || st.Spool.Bytes < 10<<20 || st.Kept == 0 || st.Kept+st.Delivered != st.Emitted {
		t.Errorf("%+v", st)
	}
}
