package runs

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// place writes a file in which the run "x" is, and returns its directory.
func place(t testing.TB, dir string, content []byte) *Dir {
	t.Helper()
	d := open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, fileName("x")), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func readAll(t testing.TB, d *Dir) (records []Record) {
	t.Helper()
	for r, err := range d.Read("x") {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// A run that was cut off at any byte has all records whose lines are whole, and
// goes on behind them.
func TestCutAtEveryByte(t *testing.T) {
	path, records := sample(t, t.TempDir(), "x")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for size := range len(content) + 1 {
		d := place(t, dir, content[:size])
		whole := bytes.Count(content[:size], []byte{'\n'})
		want := 0
		for line := range bytes.Lines(content[:size]) {
			if bytes.HasSuffix(line, []byte("\n")) && isRecord(line[prefixLen:]) {
				want++
			}
		}
		l := begin(t, d, "x")
		if _, starts := l.First(); (starts == 0) != (whole == 0) {
			t.Errorf("cut at %d: %d starts", size, starts)
		}
		added := numbered(100)
		add(t, l, added)
		got := readAll(t, d)
		if want := slices.Concat(records[:want], []Record{added}); !reflect.DeepEqual(want, got) {
			t.Fatalf("cut at %d: %s", size, cmp.Diff(want, got))
		}
		for i, r := range got {
			r, ok, err := l.Finished(r.Kind, r.Path)
			if err != nil || ok && !reflect.DeepEqual(r, got[i]) && i != 0 {
				t.Errorf("cut at %d: %v %v %v", size, r, ok, err)
			}
		}
		end(t, l, "success")
		torn := int64(size - bytes.LastIndexByte(content[:size], '\n') - 1)
		if whole == 0 {
			torn = 0 // nothing was lost
		}
		if s, err := d.Stat("x"); err != nil || s.Damaged != 0 || s.Cut != torn || s.Result != "success" {
			t.Errorf("cut at %d: %+v %v", size, s, err)
		}
		_ = d.Close()
	}
}

// With any byte changed, a run gives back only true records, and all but one.
func TestFlipEveryByte(t *testing.T) {
	path, records := sample(t, t.TempDir(), "x")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(content, '\n')
	dir := t.TempDir()
	d := open(t, dir)
	for at := range content {
		for _, flip := range []byte{0x01, 0x20, 0x80, content[at] ^ '\n'} {
			changed := bytes.Clone(content)
			changed[at] ^= flip
			if flip == 0 {
				continue
			}
			place(t, dir, changed)
			l, err := d.Open(t.Context(), Header{ID: "x"}, nil)
			if at < first {
				if err == nil || !strings.Contains(err.Error(), fileName("x")+": its first line is damaged") {
					t.Fatalf("byte %d: %v", at, err)
				}
				if err := d.Remove(t.Context(), "x"); err != nil {
					t.Error(err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
			got := readAll(t, d)
			if len(got) < len(records)-1 || !subsequence(got, records) {
				t.Fatalf("byte %d ^ %#x: %d records\n%s", at, flip, len(got), cmp.Diff(records, got))
			}
			for _, r := range records {
				if f, ok, err := l.Finished(r.Kind, r.Path); err != nil || ok && !subsequence([]Record{f}, records) {
					t.Fatalf("byte %d ^ %#x: %v %v", at, flip, f, err)
				}
			}
			if s, err := d.Stat("x"); err != nil || s.Damaged > 1 || s.Cut != 0 {
				t.Fatalf("byte %d ^ %#x: %+v %v", at, flip, s, err)
			}
			end(t, l, "")
		}
	}
}

// subsequence tells whether all of some are among all, in this order.
func subsequence(some, all []Record) bool {
	for _, r := range all {
		if len(some) > 0 && reflect.DeepEqual(r, some[0]) {
			some = some[1:]
		}
	}
	return len(some) == 0
}

// Damage of other kinds: what is left is found, and what follows it too.
func TestDamage(t *testing.T) {
	path, records := sample(t, t.TempDir(), "x")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(content, []byte{'\n'})
	other, _ := sample(t, t.TempDir(), "y")
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	rest := join(lines[1:]...)
	cases := map[string]struct {
		content []byte
		damaged int
		cut     int64
	}{
		"zeros behind":        {join(content, make([]byte, 5000)), 0, 5000},
		"zeros between":       {join(lines[0], make([]byte, 600<<10), []byte{'\n'}, rest), 1, 0},
		"lines of another":    {join(lines[0], foreign, rest), 1, 0},
		"garbage, then torn":  {join(content, []byte("garbage\nmore\n\n00000000 00000000 \n12345678 00ffffff {")), 1, 19},
		"a gap":               {join(lines[0], lines[1], lines[2][:30], rest[len(lines[1]):]), 1, 0},
		"a line of the later": {join(content, seal(t, lines[0], `{"note":{}}`)), 0, 0},
		"no JSON":             {join(content, seal(t, lines[0], `{`)), 1, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := place(t, t.TempDir(), c.content)
			l := begin(t, d, "x")
			if _, starts := l.First(); starts != 2 {
				t.Errorf("%d starts", starts)
			}
			add(t, l, numbered(3))
			if got := readAll(t, d); len(got) < len(records) || !subsequence(got, slices.Concat(records, []Record{numbered(3)})) {
				t.Error(cmp.Diff(records, got))
			}
			if s, err := d.Stat("x"); err != nil || s.Damaged != c.damaged || s.Cut != c.cut {
				t.Errorf("%+v %v", s, err)
			}
		})
	}
	for name, c := range map[string]struct{ content, want string }{
		"a later form": {string(seal(t, nil, `{"header":{"version":2}}`)), "written by a later version (form 2, and this one reads 1)"},
		"no header":    {string(seal(t, nil, `{"end":{}}`)), "first line is damaged"},
		"another file": {"not\nours\n", "first line is damaged"},
		"another run":  {string(foreign), `holds the run "y"; move it away`},
	} {
		t.Run(name, func(t *testing.T) {
			d := place(t, t.TempDir(), []byte(c.content))
			if _, err := d.Open(t.Context(), Header{ID: "x"}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
			if now, err := os.ReadFile(filepath.Join(d.path, fileName("x"))); err != nil || string(now) != c.content {
				t.Error("the file was changed", err)
			}
			if err := d.Remove(t.Context(), "x"); err != nil {
				t.Error(err)
			}
			begin(t, d, "x")
		})
	}
}

// seal makes a line for a file that begins with first.
func seal(t testing.TB, first []byte, payload string) []byte {
	t.Helper()
	var seed uint32
	if first != nil {
		seed, _, _ = readPrefix(first)
	}
	line := []byte("00000000 00000000 " + payload + "\n")
	putHex(line[9:], uint32(len(payload)))
	sealLine(seed, line)
	return line
}
