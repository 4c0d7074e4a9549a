//go:build linux

package pluginhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

func sumOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// allow is a Check that allows these sums, in this order.
func allow(sums ...string) func([]File) error {
	return func(files []File) error {
		for i, f := range files {
			if i >= len(sums) || sums[i] != f.SHA256 {
				return &StartError{Problem: Changed, Detail: f.Path + " has changed"}
			}
		}
		if len(files) != len(sums) {
			return &StartError{Problem: Changed, Detail: "there are other files"}
		}
		return nil
	}
}

func install(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Files are replaced and written to while backends start from them: no other bytes
// run than those that were allowed.
func TestNoOtherBytesRun(t *testing.T) {
	for name, tt := range map[string]struct {
		good, evil string // files, or scripts
		command    func(file, canary string) Executable
	}{
		"program": {"/bin/true", "/bin/touch", func(file, canary string) Executable {
			return Executable{Path: file, Args: []string{canary}}
		}},
		"script": {"#!/bin/sh\nexit 0\n", "#!/bin/sh\n: >\"$1\"\n", func(file, canary string) Executable {
			return Executable{Path: file, Args: []string{canary}}
		}},
		"argument": {"exit 0\n", ": >\"$1\"\n", func(file, canary string) Executable {
			return Executable{Path: "/bin/sh", Args: []string{file, canary}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, canary := filepath.Join(dir, "backend"), filepath.Join(dir, "canary")
			content := func(from string) []byte {
				if data, err := os.ReadFile(from); err == nil {
					return data
				}
				return []byte(from)
			}
			good, evil := content(tt.good), content(tt.evil)
			if err := os.WriteFile(file, good, 0o700); err != nil {
				t.Fatal(err)
			}
			e := tt.command(file, canary)
			sums := []string{sumOf(t, file)}
			if name == "argument" {
				sums = []string{sumOf(t, "/bin/sh"), sums[0]}
			}
			e.Check = allow(sums...)

			// The evil one does what the test looks for.
			if err := os.WriteFile(filepath.Join(dir, "evil"), evil, 0o700); err != nil {
				t.Fatal(err)
			}
			proof := tt.command(filepath.Join(dir, "evil"), filepath.Join(dir, "proof"))
			_, _ = proof.launch(t.Context(), testSpec())
			if _, err := os.Stat(filepath.Join(dir, "proof")); err != nil {
				t.Fatal("the evil program does nothing: nothing is tested")
			}

			stop := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					data := [][]byte{evil, good}[i%2]
					if i%4 < 2 {
						_ = os.WriteFile(file+".new", data, 0o700)
						_ = os.Rename(file+".new", file)
					} else if f, err := os.OpenFile(file, os.O_WRONLY, 0); err == nil {
						_, _ = f.Write(data)
						_ = f.Truncate(int64(len(data)))
						_ = f.Close()
					}
					if i%2 == 1 { // the good one for as long as a start may take
						time.Sleep(time.Millisecond)
					}
				}
			}()
			ran, refused := 0, 0
			for n := 0; n < 60 || (ran == 0 || refused == 0) && n < 2000; n++ {
				_, err := e.launch(t.Context(), testSpec())
				var se *StartError
				switch {
				case errors.As(err, &se) && (se.Problem == ExitedEarly || se.Problem == NotABackend):
					ran++ // and its end was seen in time, or not
				case errors.As(err, &se) && se.Problem == Changed:
					refused++
				default:
					t.Fatalf("start %d: %v", n, err)
				}
			}
			close(stop)
			<-done
			t.Logf("%d ran, %d were refused", ran, refused)
			if ran == 0 || refused == 0 {
				t.Error("nothing is tested")
			}
			if _, err := os.Stat(canary); err == nil {
				t.Error("other bytes ran")
			}
		})
	}
}

func testSpec() *Spec {
	s := &Spec{Name: "x", StartTimeout: 10 * time.Second}
	s.setDefaults()
	return s
}

func TestFilesThatOthersCouldChange(t *testing.T) {
	put := func(dir string) string {
		file := filepath.Join(dir, "backend")
		install(t, "/bin/true", file)
		return file
	}
	chmod := func(path string, mode os.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, words string
		noLinks     bool
		root        bool // needs to be root
		file        func(dir string) string
	}{
		{name: "as it should be", file: put},
		{name: "in a directory for all, with the sticky bit", file: func(dir string) string {
			chmod(dir, 0o777|os.ModeSticky)
			return put(dir)
		}},
		{name: "by a link", file: func(dir string) string {
			must(os.Symlink(put(dir), filepath.Join(dir, "link")))
			return filepath.Join(dir, "link")
		}},
		{name: "a group may write", root: true, words: "can be changed by other users (mode 0720): chmod go-w ", file: func(dir string) string {
			file := put(dir)
			must(os.Chown(file, -1, 65534))
			chmod(file, 0o720)
			return file
		}},
		{name: "all may write through the group", words: "can be changed by other users (mode 0722): chmod go-w ", file: func(dir string) string {
			file := put(dir)
			chmod(file, 0o722)
			return file
		}},
		{name: "all may write", words: "(mode 0777)", file: func(dir string) string {
			file := put(dir)
			chmod(file, 0o777)
			return file
		}},
		{name: "the directory above", words: "which can be changed by other users (mode 0777): chmod go-w ", file: func(dir string) string {
			must(os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700))
			chmod(filepath.Join(dir, "a"), 0o777)
			return put(filepath.Join(dir, "a", "b"))
		}},
		{name: "a directory on the way of a link", words: "which can be changed by other users", file: func(dir string) string {
			must(os.MkdirAll(filepath.Join(dir, "a"), 0o700))
			must(os.Symlink(put(dir), filepath.Join(dir, "a", "link")))
			must(os.Symlink("a/../a/link", filepath.Join(dir, "first")))
			chmod(filepath.Join(dir, "a"), 0o777)
			return filepath.Join(dir, "first")
		}},
		{name: "links in a circle", words: "too many l", file: func(dir string) string {
			must(os.Symlink("b", filepath.Join(dir, "a")))
			must(os.Symlink("a", filepath.Join(dir, "b")))
			return filepath.Join(dir, "a")
		}},
		{name: "below a file", words: "is no directory", file: func(dir string) string { return put(dir) + "/x" }},
		{name: "a pipe", words: "is not a regular file", file: func(dir string) string {
			must(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o700))
			return filepath.Join(dir, "pipe")
		}},
		{name: "a link where none may be", noLinks: true, words: "is a symbolic link: install the file itself with cp", file: func(dir string) string {
			must(os.Symlink(put(dir), filepath.Join(dir, "link")))
			return filepath.Join(dir, "link")
		}},
		{name: "a second name", noLinks: true, words: "has a second name elsewhere (a hard link): install a copy", file: func(dir string) string {
			file := put(dir)
			must(os.Link(file, filepath.Join(dir, "other")))
			return file
		}},
		{name: "of another user", root: true, words: "belongs to another user", file: func(dir string) string {
			file := put(dir)
			must(os.Chown(file, 65534, 65534))
			return file
		}},
		{name: "in a directory of another user", root: true, words: "belongs to another user", file: func(dir string) string {
			must(os.Mkdir(filepath.Join(dir, "a"), 0o755))
			file := put(filepath.Join(dir, "a"))
			must(os.Chown(filepath.Join(dir, "a"), 65534, 65534))
			return file
		}},
		{name: "a link of another user in a directory for all", root: true, words: "belongs to another user", file: func(dir string) string {
			chmod(dir, 0o777|os.ModeSticky)
			link := filepath.Join(dir, "link")
			must(os.Symlink(put(dir), link))
			must(os.Lchown(link, 65534, 65534))
			return link
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Getuid() != 0 {
				t.Skip("only root can give files away")
			}
			err := Executable{Path: tt.file(t.TempDir()), NoLinks: tt.noLinks}.Verify()
			t.Log(err)
			if tt.words == "" && err != nil || tt.words != "" && (err == nil || !strings.Contains(err.Error(), tt.words)) {
				t.Errorf("%v, want %q", err, tt.words)
			}
		})
	}
}

// A backend is verified with each start: it starts again as long as its bytes are the
// same, and not with others.
func TestVerifiedAtEachStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backend")
	install(t, exe, file)
	var asked atomic.Int32
	same := allow(sumOf(t, file))
	s := spec(t, testConfig{})
	s.Launch = Executable{Path: file, Check: func(files []File) error {
		asked.Add(1)
		return same(files)
	}}
	s.Env = []string{modeVariable + "=recorder"}
	s.restartDelay = time.Millisecond
	h := start(t, s)
	ready(t, h)
	for n := int32(1); n <= 3; n++ {
		if asked.Load() != n {
			t.Errorf("asked %d times for %d starts", asked.Load(), n)
		}
		if n == 3 {
			f, err := os.OpenFile(file, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err) // the file of a backend that runs is not busy: it runs a copy
			}
			if _, err := f.WriteAt([]byte{'!'}, 4000); err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
		}
		_ = syscall.Kill(pid(t, h), syscall.SIGKILL)
		await(t, 10*time.Second, "the end seen", func() bool { return h.Stats().Restarts[Exited] == uint64(n) })
		if n < 3 {
			ready(t, h)
		}
	}
	var se *StartError
	if err := h.Ready(context.Background()); !errors.As(err, &se) || se.Problem != Changed {
		t.Errorf("with other bytes: %v", err)
	}
}

// The copies of a script go with its process, those of a killed host with the next.
func TestCopiesAreRemoved(t *testing.T) {
	base := t.TempDir()
	d, err := makeRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	e := Executable{Path: script, Args: []string{"--x", script}}
	if _, err := e.copied(d.path); err == nil || !strings.Contains(err.Error(), "two files of the command are called script") {
		t.Error(err)
	}
	other := script + ".py"
	if err := os.Rename(script, other); err != nil {
		t.Fatal(err)
	}
	e = Executable{Path: "/bin/sh", Args: []string{"--x", other}}
	im, err := e.copied(d.path)
	if err != nil {
		t.Fatal(err)
	}
	im.close()
	if want := filepath.Join(d.path, copyDir, "script.py"); im.args[2] != want || im.args[1] != "--x" || im.args[0] != "/bin/sh" {
		t.Errorf("arguments %q, want %s", im.args, want)
	}
	_ = d.lock.Close() // as if the host had been killed
	sweep(base, 0)
	if left, _ := os.ReadDir(base); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A backend that wants more memory than there may be ends, and nothing else does.
func TestABackendThatEatsMemory(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Name: "x", Launch: Command(exe), Env: []string{badVariable + "=eat"}}
	var se *StartError
	if err := start(t, s).Ready(t.Context()); !errors.As(err, &se) || se.Problem != ExitedEarly { // otherwise it would be mute
		t.Error(err)
	}
}

// A backend that announces 2 GiB is refused before anything is set aside for them.
func TestAReplyOf2GiB(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{Protocols: &protocols, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write([]byte{0, 0x7f, 0xff, 0xff, 0xff})
		_, _ = w.Write(make([]byte, 64<<10))
		w.Header().Set("Grpc-Status", "0")
	})}
	go func() { _ = srv.Serve(l) }()
	defer func() { _ = srv.Close() }()
	conn, err := grpc.NewClient(l.Addr().String(), append(dialOptions, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = pb.NewBackendClient(conn).Describe(ctx, &pb.DescribeRequest{})
	if status.Code(err) != codes.ResourceExhausted {
		t.Error(err)
	}
}
