//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestABackendHearsExactlyWhatWasSaid(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	launchers := map[string]Launcher{
		"self":       Self(testBackend("recorder")),
		"command":    Command(exe),
		"in process": InProcess(testBackend("recorder")),
	}
	for name, l := range launchers {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "events")
			s := spec(t, testConfig{File: file, Say: "done"})
			s.Launch = l
			s.Env = []string{modeVariable + "=recorder"}
			var out safeBuffer
			s.Output = &out
			h := start(t, s)
			var said callbacktest.Recorder
			const runs = 40
			for seed := range uint64(runs) {
				hooktest.Random(callbacks.Multi(&said, h), seed)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := h.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			st := h.Stats()
			if n := uint64(len(said.Events())); st.Emitted != n || st.Delivered != n || st.InFlight != 0 || st.State != Ready {
				t.Errorf("%d events: %+v", n, st)
			}
			if d, err := h.Describe(ctx); err != nil || d.Name != "recorder" || d.Version != "1.2.3" || d.Protocol != 1 {
				t.Errorf("described as %+v, %v", d, err)
			}
			shutdown(t, h, 5*time.Second)
			if line, ok := h.Lost(); ok {
				t.Error(line)
			}
			count := map[string]uint64{}
			for _, c := range h.Stats().Calls {
				for _, n := range c.Buckets {
					count[c.Method+c.ErrorType] += n
				}
			}
			if count["Stream"] == 0 || count["Stream"] > st.Delivered {
				t.Errorf("%d batches were acknowledged", count["Stream"])
			}
			if count["Flush"] == 0 {
				t.Error("no call of Flush was measured")
			}
			for _, often := range []string{"Stream", "Flush", "FlushCANCELLED", "Health"} { // as often as it takes
				delete(count, often)
			}
			if diff := cmp.Diff(map[string]uint64{"Describe": 2, "Configure": 1, "Shutdown": 1}, count); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Join(append(hooktest.Lines(said.Events()), "check: <nil>"), "\n") + "\n"
			if diff := cmp.Diff(want, string(data)); diff != "" {
				t.Error(diff)
			}
			if got, want := out.String(), strings.Repeat("done\n", runs); got != want {
				t.Errorf("output %q", got)
			}
		})
	}
}

func TestEventsOfAConfigThatIsRefusedAreCounted(t *testing.T) {
	s := spec(t, testConfig{Refuse: true})
	s.Place = "spanloom.yaml:6:7: telemetry.backends[0]"
	h := start(t, s)
	n := hooktest.Random(h, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := h.Ready(ctx)
	list := backend.AsConfigErrors(err)
	if len(list) != 2 || list[0].Key != "endpoint" || list[1].Message != "no file" {
		t.Errorf("config errors %v of %v", list, err)
	}
	// Nothing of it is left out of the one line.
	if text := err.Error(); !strings.Contains(text, list[0].Message+"; ") || !strings.HasSuffix(text, list[1].Error()) || strings.Contains(text, "\n") {
		t.Error(text)
	}
	if got := h.Stats().Dropped[BackendDown]; got != uint64(n) {
		t.Errorf("%d of %d dropped", got, n)
	}
	if list := h.Stats().Calls; len(list) != 2 || list[0].Method != "Configure" || list[0].ErrorType != "invalid_config" {
		t.Errorf("calls %+v", list)
	}
	shutdown(t, h, time.Second)
	t.Log(h.Lost())
}

func TestShutdownTwiceAndEmitAfterwards(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	n := hooktest.Random(h, 1)
	shutdown(t, h, 5*time.Second)
	shutdown(t, h, time.Second)
	m := hooktest.Random(h, 2)
	st := h.Stats()
	if st.Delivered != uint64(n) || st.Dropped[AfterShutdown] != uint64(m) || st.State != Closed {
		t.Errorf("%d and %d events: %+v", n, m, st)
	}
	exact(t, h)
}

func TestShutdownWhileStarting(t *testing.T) {
	for range 5 {
		h := Start(spec(t, testConfig{}))
		hooktest.Random(h, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		_ = h.Shutdown(ctx)
		if d := time.Since(began); d > 500*time.Millisecond {
			t.Errorf("took %s", d)
		}
		exact(t, h)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	s := spec(t, testConfig{DelayU: 200_000})
	s.QueueBytes = 64 << 10
	h := start(t, s)
	n := 0
	for seed := range uint64(200) {
		n += hooktest.Random(h, seed)
	}
	st := h.Stats()
	if st.Dropped[QueueFull] == 0 || st.Emitted != uint64(n) {
		t.Errorf("%+v", st)
	}
	exact(t, h)
	shutdown(t, h, 5*time.Second)
	line, ok := h.Lost()
	if !ok || !strings.Contains(line, "queue was full") {
		t.Errorf("%q", line)
	}
	t.Log(line)
}

func TestAnEventTooLargeIsDroppedAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	h := start(t, spec(t, testConfig{File: file}))
	cc := callbacks.NewRun(t.Context(), callbacks.RunConfig{Epoch: time.Now(), Pipeline: &callbacks.Node{Name: "p"}})
	h.OnPipelineStart(cc, callbacks.PipelineStart{})
	big := &callbacks.CallbackContext{}
	cc.Begin(big, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: strings.Repeat("x", 2<<20)}, Index: -1, Attempt: 1})
	h.OnNodeStart(big, callbacks.NodeStart{})
	h.OnPipelineEnd(cc, callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}})
	shutdown(t, h, 5*time.Second)
	if st := h.Stats(); st.Delivered != 2 || st.Dropped[Oversize] != 1 {
		t.Errorf("%+v", st)
	}
	t.Log(h.Lost())
}
