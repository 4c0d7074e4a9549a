//go:build unix

package control

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place gives the test directories of its own, with short names.
func place(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "c") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("TMPDIR", dir)
}

func listenHere(t *testing.T, reload func(context.Context) Answer) *Listener {
	t.Helper()
	l, err := Listen(reload)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestReload(t *testing.T) {
	place(t)
	if _, err := Reload(t.Context(), os.Getpid()); !errors.Is(err, ErrNobody) {
		t.Errorf("without a listener: %v", err)
	}
	listenHere(t, func(context.Context) Answer { return Answer{Added: []string{"a"}} })
	listenHere(t, func(context.Context) Answer { return Answer{Error: "b"} })
	list, err := Reload(t.Context(), os.Getpid())
	if err != nil || len(list) != 2 || !slices.Equal(list[0].Added, []string{"a"}) || list[1].Error != "b" {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := Reload(t.Context(), 1); !errors.Is(err, ErrNobody) {
		t.Errorf("another process: %v", err)
	}
}

// TestSweep: of a process that was killed nothing stays, and of others everything.
func TestSweep(t *testing.T) {
	place(t)
	listenHere(t, func(context.Context) Answer { return Answer{} })
	dir := dirs()[0]
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/1-0" + suffix})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	old := time.Now().Add(-time.Hour)
	sockets, _ := of(dir, os.Getpid())
	for _, path := range append(sockets, dead.Addr().String()) {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	listenHere(t, func(context.Context) Answer { return Answer{} })
	if left, _ := of(dir, 1); len(left) > 0 {
		t.Error(left)
	}
	if list, err := Reload(t.Context(), os.Getpid()); err != nil || len(list) != 2 {
		t.Error(list, err)
	}
}

// TestStrangers: a caller that says nothing, or something else, holds nobody up.
func TestStrangers(t *testing.T) {
	place(t)
	listenHere(t, func(context.Context) Answer { return Answer{} })
	sockets, err := of(dirs()[0], os.Getpid())
	if err != nil || len(sockets) != 1 {
		t.Fatal(sockets, err)
	}
	for _, text := range []string{"", "GET / HTTP/1.1\r\n"} {
		conn, err := net.Dial("unix", sockets[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(text))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := Reload(ctx, os.Getpid()); err != nil {
		t.Error(err)
	}
}

// TestADirectoryOfOthers is not used, by neither side.
func TestADirectoryOfOthers(t *testing.T) {
	place(t)
	if err := os.Mkdir(dirs()[0], 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dirs()[0], 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Reload(t.Context(), os.Getpid()); err == nil || errors.Is(err, ErrNobody) {
		t.Errorf("asked: %v", err)
	}
	if l, err := listen(dirs()[0]); err == nil {
		_ = l.Close()
		t.Error("listening there")
	}
}

// TestABadDirectory hides no answer from another one, and is told of without any.
func TestABadDirectory(t *testing.T) {
	place(t)
	list := dirs()
	if err := os.Mkdir(list[1], 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(list[1], 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Reload(t.Context(), os.Getpid()); err == nil || errors.Is(err, ErrNobody) {
		t.Errorf("nobody answers: %v", err)
	}
	listenHere(t, func(context.Context) Answer { return Answer{} })
	if answers, err := Reload(t.Context(), os.Getpid()); err != nil || len(answers) != 1 {
		t.Error(answers, err)
	}
}

// TestClose ends a request under way.
func TestClose(t *testing.T) {
	place(t)
	asked := make(chan struct{})
	l := listenHere(t, func(ctx context.Context) Answer {
		close(asked)
		<-ctx.Done()
		return Answer{}
	})
	go func() {
		<-asked
		l.Close()
	}()
	_, _ = Reload(t.Context(), os.Getpid()) // it may be answered before it ends
}
