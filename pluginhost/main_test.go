//go:build unix

package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.opentelemetry.io/otel"
	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// The test binary is the backend too, good or bad, when this variable or the
// package's own says so.
const badVariable = "SPANLOOM_TEST_BAD"

var eaten []byte

func init() {
	switch os.Getenv(badVariable) {
	case "":
	case "exit":
		fmt.Fprintln(os.Stderr, "panic: no \x1b[31mconfig\x1b[0m")
		os.Exit(3)
	case "panic":
		fmt.Fprintln(os.Stderr, "read the token "+os.Getenv("TOKEN"))
		panic("no region for " + os.Args[0][:1])
	case "mistake":
		fmt.Fprintln(os.Stderr, "spanloom-backend-x: no file ca.pem\x1b[2J")
		os.Exit(3)
	case "other plugin":
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 5, MagicCookieKey: "OTHER", MagicCookieValue: "x"}})
	case "hang":
		fmt.Fprintln(os.Stderr, "waiting for the database")
		time.Sleep(time.Minute)
	case "garbage":
		fmt.Println("hello from a library")
		backend.Serve(testBackend("recorder"))
	case "garbage-long":
		fmt.Print(strings.Repeat("x", 200<<10))
		time.Sleep(time.Minute)
	case "own socket":
		path := filepath.Join(os.Getenv(plugin.EnvUnixSocketDir), "backend.sock")
		l, err := net.Listen("unix", path)
		if err != nil {
			panic(err)
		}
		fmt.Println("1|1|unix|" + path + "|grpc|")
		for {
			if conn, err := l.Accept(); err == nil {
				_ = conn.Close()
			}
		}
	case "version":
		fmt.Println("1|7|unix|/nowhere|grpc|")
		time.Sleep(time.Minute)
	case "eat":
		eaten = make([]byte, 5<<30)
		time.Sleep(time.Minute)
	case "mute":
		time.Sleep(time.Minute)
	}
	ServeIfBackend(func(name string) (backend.Backend, bool) {
		if name == "counting" {
			return countingBackend(), true
		}
		return testBackend(name), true
	})
	if len(os.Args) > 1 && os.Args[1] == "host" {
		hostMain()
	}
	if len(os.Args) > 1 && os.Args[1] == "durable" {
		durableMain()
	}
	if len(os.Args) > 1 && os.Args[1] == "leave" {
		leaveMain()
	}
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "t")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("TMPDIR", dir)
	code := m.Run()
	left, _ := filepath.Glob(filepath.Join(dir, runDirPrefix+"*"))
	if code == 0 && len(left) > 0 {
		fmt.Println("run directories are left:", left)
		code = 1
	}
	_ = os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// testConfig says what a test backend does.
type testConfig struct {
	File   string `json:"file"`   // gets a line for each event, and the check at the end
	Log    string `json:"log"`    // is an error for OpenTelemetry's handler with each pipeline's end
	Say    string `json:"say"`    // goes to the output with each pipeline's end
	Flush  string `json:"flush"`  // "hang" or "fail", from the 2nd flush on
	Hook   string `json:"hook"`   // "panic" or "print"
	Refuse bool   `json:"refuse"` // config errors
	Facts  string `json:"facts"`  // a file that gets what the process sees
	Child  string `json:"child"`  // a file that gets the id of a process that the backend starts
	DelayU int    `json:"delay"`  // of each flush, in microseconds
}

func testBackend(name string) backend.Backend {
	return backend.Backend{
		Name: name, Version: "1.2.3", Schema: []byte(`{}`), Linger: 2 * time.Millisecond,
		Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
			in := &testInstance{out: c}
			if err := c.Decode(&in.config); err != nil {
				return nil, err
			}
			if in.config.Refuse {
				return nil, errors.Join(&backend.ConfigError{Key: "endpoint", Message: "no port"}, &backend.ConfigError{Key: "tls.ca", Message: "no file"})
			}
			if f := in.config.Facts; f != "" {
				stdin, _ := os.Readlink("/proc/self/fd/0")
				env, _ := os.ReadFile("/proc/self/environ")
				wd, _ := os.Getwd()
				pgid, _ := syscall.Getpgid(0)
				limits, _ := os.ReadFile("/proc/self/limits")
				_ = os.WriteFile(f, fmt.Appendf(nil, "stdin=%s\nwd=%s\nleader=%t\nmode=%q\nargs=%q\nopen=%q\n%s%s", stdin, wd, pgid == os.Getpid(), os.Getenv(modeVariable), os.Args, openFiles(), strings.ReplaceAll(string(env), "\x00", "\n"), limits), 0o600)
			}
			if f := in.config.Child; f != "" {
				cmd := exec.Command("/bin/sleep", "60")
				cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // holds the pipes open
				if err := cmd.Start(); err != nil {
					return nil, err
				}
				_ = os.WriteFile(f, fmt.Append(nil, cmd.Process.Pid), 0o600)
			}
			if f := in.config.File; f != "" {
				var err error
				if in.file, err = os.OpenFile(f, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
					return nil, err
				}
			}
			return in, nil
		},
	}
}

// openFiles are those of this process, by where they lead.
func openFiles() (list []string) {
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, f := range files {
		to, _ := os.Readlink(f)
		list = append(list, to)
	}
	return list
}

type testInstance struct {
	callbacktest.Recorder
	config  testConfig
	out     backend.Config
	file    *os.File
	flushes int
	written int
}

func (in *testInstance) Hooks() callbacks.Hook { return callbacks.AllHooks }

func (in *testInstance) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	in.Recorder.OnPipelineEnd(cc, ev)
	if in.config.Say != "" && cc.Parent() == nil {
		fmt.Fprintln(in.out.Output, in.config.Say)
	}
	if in.config.Log != "" && cc.Parent() == nil {
		otel.Handle(errors.New(in.config.Log))
		fmt.Fprintln(os.Stderr, "no line of a log")
	}
	switch in.config.Hook {
	case "panic":
		panic("in the instance")
	case "print":
		fmt.Println(strings.Repeat("noise ", 40<<10))
		_, _ = syscall.Write(1, []byte(strings.Repeat("n", 300<<10)))
	}
}

func (in *testInstance) Flush(ctx context.Context) error {
	in.flushes++
	time.Sleep(time.Duration(in.config.DelayU) * time.Microsecond)
	if in.flushes > 1 {
		switch in.config.Flush {
		case "hang":
			select {}
		case "fail":
			return errors.New("collector: connection refused")
		}
	}
	if in.file != nil {
		events := in.Events()
		for _, l := range hooktest.Lines(events[in.written:]) {
			fmt.Fprintln(in.file, l)
		}
		in.written = len(events)
	}
	return nil
}

func (in *testInstance) Close(ctx context.Context) error {
	if err := in.Flush(ctx); err != nil {
		return err
	}
	if in.file != nil {
		fmt.Fprintln(in.file, "check:", callbacktest.Check(in.Events()))
		return in.file.Close()
	}
	return nil
}

// spec returns a spec for a test backend in a process of its own.
func spec(t testing.TB, c testConfig) Spec {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "console", Launch: Self(testBackend("recorder")), Config: data}
}

func start(t testing.TB, s Spec) *Host {
	t.Helper()
	h := Start(s)
	t.Cleanup(func() { shutdown(t, h, 5*time.Second) })
	return h
}

func ready(t testing.TB, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

func shutdown(t testing.TB, h *Host, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	_ = h.Shutdown(ctx)
	slack := 500 * time.Millisecond
	if raced {
		slack *= 4 // the detector lets nobody run while it looks at what is large
	}
	if d := time.Since(began); d > limit+slack {
		t.Errorf("Shutdown took %s of %s", d, limit)
	}
	exact(t, h)
	if n := h.Stats().InFlight; n != 0 {
		t.Errorf("%d events in flight after Shutdown", n)
	}
}

// exact checks the ledger.
func exact(t testing.TB, h *Host) {
	t.Helper()
	s := h.Stats()
	if s.Emitted != s.Delivered+s.Lost()+s.InFlight+s.Kept {
		t.Errorf("the ledger is wrong: %+v", s)
	}
}

// await waits until f is true.
func await(t testing.TB, limit time.Duration, what string, f func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !f() {
		if time.Since(began) > limit {
			t.Fatalf("after %s: not %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}
