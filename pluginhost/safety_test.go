//go:build unix

package pluginhost

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// hostMain is a program with a backend: it says its backend's process id and
// waits to be killed.
func hostMain() {
	t := &testing.T{}
	var c testConfig
	if len(os.Args) > 2 {
		c.Child = os.Args[2]
	}
	h := Start(spec(t, c))
	if err := h.Ready(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(pid(t, h))
	select {}
}

// leaveMain is a program that ends while its backend starts, after so many
// milliseconds: without a Shutdown, or with one that has no time.
func leaveMain() {
	h := Start(spec(&testing.T{}, testConfig{}))
	ms, _ := strconv.Atoi(os.Args[2])
	time.Sleep(time.Duration(ms) * time.Millisecond)
	if os.Args[3] == "shutdown" {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = h.Shutdown(ctx)
	}
	os.Exit(0)
}

// backendsOf returns the living backends that a host has started, or those that
// are left of it.
func backendsOf(host int) (list []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		p, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if strings.Contains(string(data), fmt.Sprintf("%s=%d\x00", wire.HostVariable, host)) && running(p) {
			list = append(list, p)
		}
	}
	return list
}

func TestNoOrphanWhenTheHostEndsWhileTheBackendStarts(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var hosts []int
	for _, how := range []string{"nothing", "shutdown"} {
		for ms := 1; ms < 100; ms += 4 {
			cmd := exec.Command(exe, "leave", strconv.Itoa(ms), how)
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, cmd.Process.Pid)
		}
	}
	for _, host := range hosts {
		await(t, 3*time.Second, "all backends gone", func() bool { return len(backendsOf(host)) == 0 })
	}
	sweep(os.TempDir(), 0)
}

func TestShutdownWithoutTimeLeavesNoProcess(t *testing.T) {
	for i := range 30 {
		h := Start(spec(t, testConfig{}))
		time.Sleep(time.Duration(i) * time.Millisecond / 2)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = h.Shutdown(ctx)
		if list := backendsOf(os.Getpid()); len(list) > 0 {
			t.Errorf("after %d half milliseconds, %v are left", i, list)
		}
	}
}

// A host that is killed cannot end what its backend has started.
func TestWhatABackendStartedEndsWithTheHost(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(exe, "host", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = bufio.NewReader(out).ReadString('\n')
	data, _ := os.ReadFile(file)
	child, err := strconv.Atoi(string(data))
	if err != nil || !running(child) {
		t.Fatalf("the child %q is not running", data)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	d := await(t, 3*time.Second, "the child gone", func() bool { return !running(child) })
	t.Logf("child gone after %s", d)
	sweep(os.TempDir(), 0)
}

func TestNoOrphanWhenTheHostIsKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		cmd := exec.Command(exe, "host")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		p, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the host said %q", line)
		}
		if !alive(p) {
			t.Fatal("the backend is not running")
		}
		_ = cmd.Process.Kill()
		d := await(t, 2*time.Second, "the backend gone", func() bool { return !running(p) })
		t.Logf("backend gone after %s", d)
		_ = cmd.Wait()
	}
	// The killed hosts could not clean up; the next one does.
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	if len(left) == 0 {
		t.Error("no run directory was left: nothing is tested")
	}
	sweep(os.TempDir(), 0)
	left, _ = filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	if len(left) > 0 {
		t.Errorf("run directories are left: %v", left)
	}
}

// running reports whether a process lives; one that nobody reaps does not.
func running(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(data), ") Z ")
}

func TestSweepLeavesLivingDirectories(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	ready(t, h)
	sweep(os.TempDir(), 0)
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*"))
	if len(left) != 1 {
		t.Fatalf("%d run directories", len(left))
	}
	info, err := os.Stat(left[0])
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestWhatAProcessSees(t *testing.T) {
	t.Setenv("CANARY", "e5b2secret")
	facts := filepath.Join(t.TempDir(), "facts")
	// A file that children get, as one has it from a shell.
	canary, err := os.CreateTemp(t.TempDir(), "e5b2file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = canary.Close() }()
	if _, err := unix.FcntlInt(canary.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	s := spec(t, testConfig{Facts: facts})
	s.Env = []string{"ALLOWED=yes"}
	h := start(t, s)
	ready(t, h)
	data, err := os.ReadFile(facts)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if strings.Contains(text, "e5b2secret") {
		t.Error("the process sees the host's environment")
	}
	if strings.Contains(text, "e5b2file") {
		t.Error("the process has a file of the host open")
	}
	if flags, err := unix.FcntlInt(canary.Fd(), unix.F_GETFD, 0); flags != 0 || err != nil {
		t.Errorf("other children do not get the file any more: %d, %v", flags, err)
	}
	if runtime.GOOS == "linux" {
		for name, most := range map[string]int{"Max core file size": 0, "Max open files": 4096, "Max data size": 4 << 30} {
			m := regexp.MustCompile(name + ` +\d+ +(\d+) `).FindStringSubmatch(text)
			if n, err := strconv.Atoi(append(m, "", "")[1]); err != nil || n > most {
				t.Errorf("%s: %q, want at most %d", name, m, most)
			}
		}
	}
	for _, want := range []string{"stdin=/dev/null\n", "leader=true\n", "mode=\"\"\n", "args=[\"spanloom-backend-recorder\"]\n", "ALLOWED=yes\n", "wd=" + filepath.Join(os.TempDir(), runDirPrefix)} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A process of the same user can reach the socket. It has no certificate.
func TestStrangersCannotCall(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	p := pid(t, h)
	sockets, _ := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*", "plugin*"))
	socket := ""
	for _, s := range sockets {
		if info, err := os.Stat(s); err == nil && info.Mode()&os.ModeSocket != 0 {
			socket = s
		}
	}
	if socket == "" {
		t.Fatalf("no socket among %v", sockets)
	}
	for name, creds := range map[string]credentials.TransportCredentials{
		"plain": insecure.NewCredentials(),
		"tls":   credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
	} {
		conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(creds),
			grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return net.Dial("unix", socket) }))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err = pb.NewBackendClient(conn).Shutdown(ctx, &pb.ShutdownRequest{})
		t.Logf("%s: %v", name, err)
		if err == nil {
			t.Errorf("%s: a stranger shut the backend down", name)
		}
		cancel()
		_ = conn.Close()
	}
	flush(t, h)
	if !alive(p) {
		t.Error("the backend is gone")
	}
}

func TestATerminatedBackendClosesItsInstance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	h := start(t, spec(t, testConfig{File: file}))
	p := pid(t, h)
	_ = syscall.Kill(p, syscall.SIGINT) // is for the host
	flush(t, h)
	_ = syscall.Kill(p, syscall.SIGTERM)
	await(t, 2*time.Second, "the end seen", func() bool { return h.Stats().Restarts[Exited] == 1 })
	data, _ := os.ReadFile(file)
	if string(data) != "check: <nil>\n" {
		t.Errorf("%q", data)
	}
	if err := h.Stats().Err; err == nil || !strings.Contains(err.Error(), "exit status 0") {
		t.Error(err)
	}
}

func TestWhatABackendStartedEndsWithIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	h := start(t, spec(t, testConfig{Child: file}))
	p := pid(t, h)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	child, _ := strconv.Atoi(string(data))
	if !running(child) {
		t.Fatal("the child is not running")
	}
	_ = syscall.Kill(p, syscall.SIGKILL)
	d := await(t, 2*time.Second, "the child gone", func() bool { return !running(child) })
	t.Logf("child gone after %s", d)
	shutdown(t, h, time.Second)
}

// Without the hook, the child would be the program once more, and its child too.
func TestSelfNeedsTheHook(t *testing.T) {
	hooked.Store(false)
	defer hooked.Store(true)
	_, err := self{testBackend("recorder")}.start(t.Context(), &Spec{})
	if err == nil || !strings.Contains(err.Error(), "does not call pluginhost.ServeIfBackend") {
		t.Error(err)
	}
	hooked.Store(true)
	t.Setenv(modeVariable, "recorder")
	if _, err := (self{testBackend("recorder")}).start(t.Context(), &Spec{}); err == nil {
		t.Error("a child started a child")
	}
}

func TestRunByHand(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = []string{modeVariable + "=zipkin"}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), `This is the Spanloom backend "zipkin"`) {
		t.Errorf("%v\n%s", err, out)
	}
}
