//go:build unix && !aix && !solaris

package runs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// process starts the test binary as another process, and returns once it has
// the run open.
func process(t *testing.T, mode, dir, id string) (cmd *exec.Cmd, in io.Closer, out *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), exe, dir, id)
	cmd.Env = append(os.Environ(), childVariable+"="+mode)
	cmd.Stderr = os.Stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	out = bufio.NewScanner(stdout)
	if !out.Scan() || out.Text() != "open" {
		t.Fatalf("the process says %q", out.Text())
	}
	return cmd, stdin, out
}

// TestKill kills a process that appends, time and again: every record that was
// accepted is there, and each that is there is true.
func TestKill(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	d := open(t, dir)
	accepted := 0
	for kill := range kills {
		cmd, _, out := process(t, "append", dir, "x")
		var last int
		for n := 0; n < 20+kill*7 && out.Scan(); n++ {
			last, _ = strconv.Atoi(out.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() { // what it printed before it died
			last, _ = strconv.Atoi(out.Text())
		}
		_ = cmd.Wait()
		l := begin(t, d, "x")
		for i := kill * 2_000_000; i <= last; i++ {
			want := numbered(i)
			got, ok, err := l.Finished(want.Kind, want.Path)
			if err != nil || !ok || !reflect.DeepEqual(got, want) {
				t.Fatalf("kill %d: record %d of %d: %v %v", kill, i, last, ok, err)
			}
			accepted++
		}
		if _, starts := l.First(); starts != 2*kill+1 {
			t.Errorf("kill %d: %d starts", kill, starts)
		}
		end(t, l, "") // the next process counts on from here
	}
	s, err := d.Stat("x")
	if err != nil || s.Damaged != 0 || s.Records < accepted || s.Records > accepted+kills {
		t.Errorf("%+v %v, %d accepted", s, err, accepted)
	}
	for r, err := range d.Read("x") {
		var i int
		if _, err2 := fmt.Sscanf(r.Path, "p/%d", &i); err != nil || err2 != nil || !reflect.DeepEqual(r, numbered(i)) {
			t.Error(r, err, err2)
		}
	}
	t.Logf("%d records accepted, %d kept, %d bytes cut", accepted, s.Records, s.Cut)
}

func TestBusy(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	cmd, in, _ := process(t, "hold", dir, "x")
	busy := func(hint string) {
		t.Helper()
		_, err := open(t, dir).Open(t.Context(), Header{ID: "x"}, nil)
		if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), `run "x": the run is open already (in `+hint) {
			t.Error(err)
		}
		if err := d.Remove(t.Context(), "x"); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		if s, err := d.Stat("x"); err != nil || !s.Open {
			t.Errorf("%+v %v", s, err)
		}
	}
	busy("process " + strconv.Itoa(cmd.Process.Pid) + ")")
	other := begin(t, d, "y")
	_ = in.Close()
	_ = cmd.Wait()
	l := begin(t, d, "x")
	busy("this process)")
	end(t, l, "")
	end(t, other, "")
	if s, err := d.Stat("x"); err != nil || s.Open || s.Starts != 2 {
		t.Errorf("%+v %v", s, err)
	}
}

// Of many that open a run at once one gets it, and none is kept out by those
// who only look.
func TestOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	var all sync.WaitGroup
	var mu sync.Mutex
	var got []Log
	for range 10 {
		all.Go(func() {
			l, err := open(t, dir).Open(t.Context(), Header{ID: "x"}, nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				got = append(got, l)
			} else if !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(got) != 1 {
		t.Fatalf("%d have it", len(got))
	}
	end(t, got[0], "success")

	stop := make(chan struct{})
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := d.Stat("x"); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 100 {
		end(t, begin(t, d, "x"), "success")
	}
	close(stop)
	all.Wait()
}

// A run that is removed while another opens it begins anew, and is never written
// to a file without a name.
func TestRemoveAgainstOpen(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := d.Remove(t.Context(), "x"); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrBusy) {
					t.Error(err)
				}
			}
		}
	})
	opened := 0
	for opened < 100 && !t.Failed() {
		l, err := d.Open(t.Context(), Header{ID: "x"}, nil)
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err != nil {
			t.Error(err)
			break
		}
		opened++
		add(t, l, numbered(opened))
		if s, err := d.Stat("x"); err != nil || s.Records == 0 {
			t.Errorf("%+v %v", s, err)
		}
		end(t, l, "success")
	}
	close(stop)
	all.Wait()
}

// After the disk has failed once nothing is called durable any more: the system
// may report the failure only once.
func TestFailedSync(t *testing.T) {
	d, err := Open(t.TempDir(), Options{Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	l := begin(t, d, "x").(*fileLog)
	add(t, l, numbered(0))
	r, w, err := os.Pipe() // cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(r.Close(), w.Close()) }()
	file := l.f
	l.f = w
	if err := l.Append(numbered(1)); err == nil {
		t.Error("the record was accepted")
	}
	l.f = file
	if err := l.Append(numbered(2)); err == nil || !strings.Contains(err.Error(), "the disk failed earlier") {
		t.Error(err)
	}
	for i, want := range []bool{true, false, false} {
		if _, ok, err := l.Finished("node", numbered(i).Path); ok != want || err != nil {
			t.Errorf("record %d is there: %v (%v)", i, ok, err)
		}
	}
	if err := l.Close("success", ""); err == nil {
		t.Error("the end was accepted")
	}
	if s, err := d.Stat("x"); err != nil || s.Open || s.Result != "" || s.Records != 1 {
		t.Errorf("%+v %v", s, err)
	}
}
