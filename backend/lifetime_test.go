//go:build unix

package backend

import (
	"os"
	"testing"
	"time"
)

// ended returns how a lifetime ends the process.
func ended(t *testing.T, l *lifetime, limit time.Duration) (gone bool) {
	t.Helper()
	done := make(chan bool, 1)
	l.exit = func(_ int, gone bool) {
		done <- gone
		select {} // as a process that is gone
	}
	go l.watch()
	select {
	case gone := <-done:
		return gone
	case <-time.After(limit):
		t.Fatalf("still there after %s", limit)
		return false
	}
}

func TestAProcessWithoutConnectionEnds(t *testing.T) {
	l := &lifetime{parent: os.Getppid(), connect: 20 * time.Millisecond, tick: time.Hour}
	if !ended(t, l, 5*time.Second) {
		t.Error("its group was left")
	}
}

func TestAProcessWhoseHostIsGoneEndsAtOnce(t *testing.T) {
	l := &lifetime{parent: os.Getppid() + 1, connect: time.Hour, tick: time.Hour}
	if !ended(t, l, 5*time.Second) {
		t.Error("its group was left")
	}
}

func TestTheHostSaysWhoItIs(t *testing.T) {
	t.Setenv("SPANLOOM_BACKEND_HOST", "1234567")
	l := newLifetime()
	if leader() && !l.hostGone() {
		t.Error("another process was taken for the host")
	}
	if !leader() && l.hostGone() {
		t.Error("the process that a script of the host started was given up")
	}
	if _, ok := os.LookupEnv("SPANLOOM_BACKEND_HOST"); ok {
		t.Error("the variable is handed on")
	}
}
