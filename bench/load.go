package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/spanloom/spanloom"
)

// loadVariable makes a process the host of one backend, in [ServeLoad].
const loadVariable = "SPANLOOM_BENCH_LOAD"

// LoadOptions say how much a backend gets to do.
type LoadOptions struct {
	Bursts int           // of 100,000 nodes each, one after the other
	Steady time.Duration // of 10,000 nodes a second, and of 25,000
	Turns  int           // of a backend that runs and one that is stopped
}

// Load is what a backend did, in a process of its own beside a host that did nothing
// else. An event is one call of a hook that the host took for the backend.
type Load struct {
	Backend string `json:"backend"`
	// Start is until Open has returned: the backend is configured and takes events.
	Start float64 `json:"start_ms"`
	// What is resident then, with what came with the first 1,000 nodes.
	HostIdle    float64 `json:"host_idle_mib"`
	BackendIdle float64 `json:"backend_idle_mib"`

	// The bursts, each until the backend has acknowledged all of it.
	EventsPerSecond float64 `json:"events_per_second"`
	NodesPerSecond  float64 `json:"nodes_per_second"`
	HostNanos       float64 `json:"host_ns_per_event"` // processor time, the engine's included
	BackendNanos    float64 `json:"backend_ns_per_event"`
	BurstLost       uint64  `json:"burst_lost"`

	Steady []Steady `json:"steady"`

	// Stopped is a node of a chain while the backend's process is stopped, over one
	// while it runs.
	Stopped float64 `json:"stopped_over_running"`
}

// Steady is what a number of nodes in each second for a while took.
type Steady struct {
	Nodes       int     `json:"nodes_per_second"`
	Seconds     float64 `json:"seconds"`
	HostCPU     float64 `json:"host_cpu_percent"` // of one processor
	BackendCPU  float64 `json:"backend_cpu_percent"`
	HostPeak    float64 `json:"host_peak_mib"`    // resident, in the second half: what a burst
	BackendPeak float64 `json:"backend_peak_mib"` // before has left is given back by then
	Lost        uint64  `json:"lost"`
}

// loadOrder is what a process is to measure.
type loadOrder struct {
	Backend string
	Entry   string // of the manifest
	Options LoadOptions
}

// Loads measures each backend, one after the other.
func Loads(o LoadOptions) ([]Load, error) {
	var list []Load
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file, err := fileEntry(dir)
	if err != nil {
		return nil, err
	}
	for _, slow := range []time.Duration{0, time.Millisecond} {
		s, err := newSink(slow)
		if err != nil {
			return nil, err
		}
		otlp := fmt.Sprintf("{ plugin: otlp, required: true, config: { endpoint: %q } }", s.endpoint)
		entries := [][2]string{
			{"console, to nowhere", "{ plugin: console, required: true }"},
			{"otlp", otlp},
			{"jsonl, to a file", file},
		}
		if slow > 0 {
			entries = [][2]string{{fmt.Sprintf("otlp, collector takes %s a request", slow), otlp}}
		}
		for _, e := range entries {
			l, err := loadIn(loadOrder{e[0], e[1], o})
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%s: %w", e[0], err), s.close())
			}
			list = append(list, l)
		}
		if err := s.close(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fileEntry builds the example of a backend, which writes to a file in dir and has that
// on the disk before it acknowledges anything.
func fileEntry(dir string) (string, error) {
	binary := filepath.Join(dir, "spanloom-backend-jsonl")
	build := exec.Command("go", "build", "-o", binary, "github.com/spanloom/spanloom/examples/backend-jsonl") //nolint:forbidigo,noctx // a measurement, by hand
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build the example of a backend: %w", err)
	}
	return fmt.Sprintf("{ name: jsonl, required: true, command: [%q], config: { path: %q } }", binary, filepath.Join(dir, "runs.jsonl")), nil
}

// loadIn measures in a process of its own.
func loadIn(order loadOrder) (l Load, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	text, err := json.Marshal(order)
	if err != nil {
		return l, err
	}
	host := exec.Command(self) //nolint:forbidigo,noctx // this program; it ends by itself
	host.Env = append(os.Environ(), loadVariable+"="+string(text))
	host.Stderr = os.Stderr
	out, err := host.Output()
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(out, &l)
}

// ServeLoad measures one backend in a process that [Loads] has started for it, and
// returns true when that is over. Call it first in main; in any other process it
// returns false at once.
func ServeLoad() bool {
	text := os.Getenv(loadVariable)
	if text == "" {
		return false
	}
	var order loadOrder
	var l Load
	err := errors.Join(os.Unsetenv(loadVariable), json.Unmarshal([]byte(text), &order))
	if err == nil {
		l, err = order.measure()
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(l)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// loaded is one backend that is measured.
type loaded struct {
	tel     *spanloom.Telemetry
	backend int // its process
	chain   func() error
	told    uint64 // of what is lost
}

// nodesOfChain are those of one run.
const nodesOfChain = 100

func (o loadOrder) measure() (Load, error) {
	l := Load{Backend: o.Backend}
	begin := time.Now()
	tel, err := openEntry(o.Entry, "")
	if err != nil {
		return l, err
	}
	l.Start = float64(time.Since(begin)) / 1e6
	defer func() { _ = tel.Shutdown(context.Background()) }()
	pids, err := children()
	if err != nil {
		return l, err
	}
	if len(pids) != 1 {
		return l, fmt.Errorf("%d processes were started, want 1", len(pids))
	}
	j, err := chainJob(nodesOfChain, listeningChain(tel.Callbacks()...))()
	if err != nil {
		return l, err
	}
	b := &loaded{tel: tel, backend: pids[0], chain: func() error { return errors.Join(j.Run(), j.Check()) }}
	// What starts with the first events is not measured.
	if err := errors.Join(b.burst(1_000), delivered(tel)); err != nil {
		return l, err
	}
	if l.HostIdle, err = peak(os.Getpid()); err != nil {
		return l, err
	}
	if l.BackendIdle, err = peak(b.backend); err != nil {
		return l, err
	}
	if err := b.bursts(&l, o.Options.Bursts); err != nil {
		return l, err
	}
	for _, rate := range []int{10_000, 25_000} {
		s, err := b.steady(rate, o.Options.Steady)
		if err != nil {
			return l, err
		}
		l.Steady = append(l.Steady, s)
	}
	l.Stopped, err = b.stopped(o.Options.Turns)
	return l, err
}

func (b *loaded) burst(nodes int) error {
	for range nodes / nodesOfChain {
		if err := b.chain(); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the backend has answered for everything. What is lost is counted,
// and no error.
func (b *loaded) settle() error {
	err := flushed(b.tel)
	if lost := b.lost(); lost > b.told {
		b.told, err = lost, nil
	}
	return err
}

// used is the processor time of the host and of the backend.
func (b *loaded) used() (host, backend time.Duration, err error) {
	host, err = processTime(os.Getpid())
	backend, failed := processTime(b.backend)
	return host, backend, errors.Join(err, failed)
}

func (b *loaded) bursts(l *Load, n int) error {
	const nodes = 100_000
	var took, hosts, backends []time.Duration
	lost, events := b.lost(), uint64(0)
	for range n {
		emitted := b.tel.Stats()[0].Emitted
		host, backend, err := b.used()
		begin := time.Now()
		err = errors.Join(err, b.burst(nodes), b.settle())
		took = append(took, time.Since(begin))
		hostNow, backendNow, failed := b.used()
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		hosts, backends = append(hosts, hostNow-host), append(backends, backendNow-backend)
		events = b.tel.Stats()[0].Emitted - emitted
	}
	seconds := median(took).Seconds()
	l.EventsPerSecond, l.NodesPerSecond = float64(events)/seconds, nodes/seconds
	l.HostNanos = float64(median(hosts)) / float64(events)
	l.BackendNanos = float64(median(backends)) / float64(events)
	l.BurstLost = b.lost() - lost
	return nil
}

func (b *loaded) steady(rate int, d time.Duration) (Steady, error) {
	s := Steady{Nodes: rate, Seconds: d.Seconds()}
	lost := b.lost()
	host, backend, err := b.used()
	if err != nil {
		return s, err
	}
	tick := time.NewTicker(time.Second * nodesOfChain / time.Duration(rate))
	defer tick.Stop()
	begin, second := time.Now(), false
	for made := 0; time.Since(begin) < d; <-tick.C {
		if !second && time.Since(begin) > d/2 {
			second = true
			if err := forgetPeaks(os.Getpid(), b.backend); err != nil {
				return s, err
			}
		}
		for due := int(time.Since(begin).Seconds() * float64(rate)); made < due; made += nodesOfChain {
			if err := b.chain(); err != nil {
				return s, err
			}
		}
	}
	took := float64(time.Since(begin))
	hostNow, backendNow, err := b.used()
	if err != nil {
		return s, err
	}
	s.HostCPU = 100 * float64(hostNow-host) / took
	s.BackendCPU = 100 * float64(backendNow-backend) / took
	if s.HostPeak, err = peak(os.Getpid()); err == nil {
		s.BackendPeak, err = peak(b.backend)
	}
	err = errors.Join(err, b.settle())
	s.Lost = b.lost() - lost
	return s, err
}

// stopped compares runs beside a backend that is stopped with those beside one that
// goes on, in turns.
func (b *loaded) stopped(turns int) (float64, error) {
	const turn = 200 * time.Millisecond // the host gives no backend up so soon
	chains := func() (time.Duration, error) {
		var runs []time.Duration
		for begin := time.Now(); time.Since(begin) < turn; {
			start := time.Now()
			if err := b.chain(); err != nil {
				return 0, err
			}
			runs = append(runs, time.Since(start))
		}
		return median(runs), nil
	}
	var running, stopped []time.Duration
	for range turns {
		d, err := chains()
		if err != nil {
			return 0, err
		}
		running = append(running, d)
		if err := pause(b.backend); err != nil {
			return 0, err
		}
		d, err = chains()
		if err = errors.Join(err, resume(b.backend), b.settle()); err != nil {
			return 0, err
		}
		stopped = append(stopped, d)
	}
	return float64(median(stopped)) / float64(median(running)), nil
}

func (b *loaded) lost() uint64 { return b.tel.Stats()[0].Lost() }

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return time.Duration(percentile(list, 0.5))
}
