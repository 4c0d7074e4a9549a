//go:build linux || darwin

package runs

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// ownProcess runs a test again in a process of its own, and says whether this is that
// process: a limit of file sizes is one of the process, and go test writes files too.
func ownProcess(t *testing.T) bool {
	t.Helper()
	const marker = "SPANLOOM_TEST_RUNS_LIMIT"
	if os.Getenv(marker) != "" {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), marker+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// fill has files of this process grow no further than a size until it is called
// back.
func fill(t *testing.T, size int64) (empty func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = uint64(size)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}
}

// Of a run whose end found no room on the disk nothing is told: it did not crash.
func TestAFullDiskIsNoCrash(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	for name, c := range map[string]struct {
		later bool // there is room before the end
		lives time.Duration
		id    string // of who would tell
	}{
		"another run":              {id: "y"},
		"the same run":             {id: "x"},
		"another, after a while":   {id: "y", lives: 4 * beat},
		"the same, after a while":  {id: "x", lives: 4 * beat},
		"another, room was made":   {id: "y", later: true},
		"the same, room was made":  {id: "x", later: true},
		"another, room, and later": {id: "y", later: true, lives: 4 * beat},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				d, err := Open(path, Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				l := begin(t, d, "x")
				root, node, _, _, _ := scopes("x")
				for _, s := range []Scope{root, node} {
					if err := l.Begin(s); err != nil {
						t.Fatal(err)
					}
				}
				info, err := d.root.Stat(fileName("x"))
				if err != nil {
					t.Fatal(err)
				}
				empty := fill(t, info.Size()+5) // a line is torn, too
				if l.Done(node.SpanID) == nil {
					t.Error("there was room")
				}
				time.Sleep(c.lives)
				if c.later {
					empty()
					add(t, l, numbered(1))
					time.Sleep(c.lives)
					end(t, l, "") // and is killed
				} else {
					if l.Close("success", "") == nil {
						t.Error("there was room")
					}
					if _, err := d.Open(t.Context(), Header{ID: "x"}, nil); err == nil {
						t.Error("there was room to begin")
					}
					empty()
				}
				told := begin(t, d, c.id)
				if list := told.Crashes(t.Context()); len(list) > 0 {
					t.Error(list)
				}
				end(t, told, "")
				// What dies after that is told of as ever.
				l = begin(t, d, "x")
				if err := l.Begin(root); err != nil {
					t.Fatal(err)
				}
				end(t, l, "")
				l = begin(t, d, "x")
				if n := len(spans(l.Crashes(t.Context()))); n != 1 {
					t.Errorf("%d scopes of a crash", n)
				}
				end(t, l, "success")
			})
		})
	}
}

// A start that was killed stays so when the next one has no room to begin.
func TestAFullDiskAfterACrash(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	d := open(t, t.TempDir())
	crash(t, d, "x")
	info, err := d.root.Stat(fileName("x"))
	if err != nil {
		t.Fatal(err)
	}
	empty := fill(t, info.Size())
	if _, err := d.Open(t.Context(), Header{ID: "x"}, nil); err == nil {
		t.Error("there was room to begin")
	}
	empty()
	if n := len(spans(begin(t, d, "x").Crashes(t.Context()))); n != 3 {
		t.Errorf("%d scopes of a crash", n)
	}
}
