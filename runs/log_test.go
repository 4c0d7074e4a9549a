package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestARunComesBack(t *testing.T) {
	dir := t.TempDir()
	h := Header{
		ID: "r/1 \xfe", Pipeline: "billing", Plan: "ab", Input: "cd", TraceID: "t", SpanID: "s", ParentSpanID: "p", Flags: 1,
		TraceState: "a=b", Started: time.Date(2026, 11, 1, 12, 0, 0, 5, time.FixedZone("", 3601)), Config: json.RawMessage(`{"a":1}`),
	}
	d := open(t, dir)
	l, err := d.Open(t.Context(), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.Started = h.Started.UTC()
	for starts := range 3 {
		first, n := l.First()
		if diff := cmp.Diff(h, first); diff != "" || n != starts {
			t.Errorf("start %d is %d: %s", starts, n, diff)
		}
		end(t, l, "")
		if l, err = d.Open(t.Context(), Header{ID: h.ID, Pipeline: "other"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	end(t, l, "")

	_, records := sample(t, dir, "sample")
	l = begin(t, d, "sample")
	for i, r := range records {
		got, ok, err := l.Finished(r.Kind, r.Path)
		want := r.Outputs != nil || i == 0 // whose second attempt is next
		if i == 0 {
			r = records[1]
		}
		if err != nil || ok != want {
			t.Errorf("%s %q: finished: %v, want %v (%v)", r.Kind, r.Path, ok, want, err)
		} else if diff := cmp.Diff(r, got); ok && diff != "" {
			t.Error(diff)
		}
	}
	for _, scope := range [][2]string{{"node", "p/m[0]"}, {"nod", "ep/a"}, {"", ""}} {
		if _, ok, err := l.Finished(scope[0], scope[1]); ok || err != nil {
			t.Errorf("%q is finished (%v)", scope, err)
		}
	}
	i := 0
	for r, err := range d.Read("sample") {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records[i], r); diff != "" {
			t.Error(diff)
		}
		i++
	}
	if i != len(records) {
		t.Errorf("%d records, want %d", i, len(records))
	}
}

// A scope that succeeded again without outputs must not give older ones.
func TestTheLastSuccessCounts(t *testing.T) {
	dir := t.TempDir()
	r := Record{Kind: "node", Path: "a", Status: "success", Outputs: raw("1")}
	l := begin(t, open(t, dir), "x")
	add(t, l, r)
	r.Outputs = raw("2")
	add(t, l, r, Record{Kind: "node", Path: "a", Status: "failure", Outputs: raw("3")})
	if got, ok, err := l.Finished("node", "a"); !ok || err != nil || string(got.Outputs[0]) != "2" {
		t.Error(got, ok, err)
	}
	r.Outputs = nil
	add(t, l, r)
	for range 2 {
		if got, ok, err := l.Finished("node", "a"); ok || err != nil {
			t.Error(got, ok, err)
		}
		end(t, l, "success")
		l = begin(t, open(t, dir), "x")
	}
}

func TestRecordsThatCannotBeKept(t *testing.T) {
	l := begin(t, open(t, t.TempDir()), "x")
	string16 := `"` + strings.Repeat("x", MaxRecord-2) + `"`
	cases := map[string]struct {
		r    Record
		want string
	}{
		"value":   {Record{Kind: "node", Path: "a/b", Outputs: raw(string16)}, "too large to be kept"},
		"sum":     {Record{Inputs: raw("1"), Outputs: raw(string16)}, "too large to be kept"},
		"message": {Record{Message: string16}, "too large to be kept"},
		"JSON":    {Record{Kind: "node", Path: "a/b", Outputs: raw("{")}, `run "x": record of node "a/b": json: error`},
		"time":    {Record{Started: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}, "year outside of range"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := l.Append(c.r)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.HasPrefix(c.want, "too") != errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
		})
	}
	large := string16[:MaxRecord-1000] + `"`
	big := Record{Kind: "node", Path: "big", Status: "success", Outputs: raw(large)}
	add(t, l, numbered(1), big, numbered(2))
	end(t, l, "success")
	if _, err := open(t, t.TempDir()).Open(t.Context(), Header{Config: json.RawMessage(string16)}, nil); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	l = begin(t, l.(*fileLog).dir, "x")
	if r, ok, err := l.Finished("node", "big"); !ok || err != nil || string(r.Outputs[0]) != large {
		t.Error("the largest record", ok, err)
	}
}

func TestClose(t *testing.T) {
	d := open(t, t.TempDir())
	l := begin(t, d, "x")
	if err := l.Close("success", strings.Repeat("m", MaxRecord)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	end(t, l, "success") // nothing
	if err := l.Append(Record{}); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if _, _, err := l.Finished("", ""); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the cause")
	cancel(cause)
	if _, err := d.Open(ctx, Header{ID: "x"}, nil); !errors.Is(err, cause) {
		t.Error(err)
	}
	begin(t, d, "x")
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir, Options{Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	l := begin(t, d, "x")
	const writers, each = 8, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				r := numbered(w*each + i)
				add(t, l, r)
				if got, ok, err := l.Finished(r.Kind, r.Path); !ok || err != nil || !reflect.DeepEqual(got, r) {
					t.Error(got, ok, err)
				}
				if _, err := d.Stat("x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for r, err := range d.Read("x") {
				var i int
				if _, err2 := fmt.Sscanf(r.Path, "p/%d", &i); err != nil || err2 != nil || !reflect.DeepEqual(r, numbered(i)) {
					t.Error(r, err, err2)
				}
			}
			if n, err := d.Prune(t.Context(), 0); n != 0 || err != nil {
				t.Error(n, err)
			}
		})
	}
	all.Wait()
	end(t, l, "success")
	if s, err := d.Stat("x"); err != nil || s.Records != writers*each || s.Damaged != 0 || s.Open || s.Result != "success" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestOpenOfNoStore(t *testing.T) {
	t.Parallel()
	var none *Dir
	if _, err := none.Open(t.Context(), Header{ID: "x"}, nil); err == nil || err.Error() != "the run store is nil; look at the error of runs.Open" {
		t.Error(err)
	}
	dir := t.TempDir()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), Header{ID: "x"}, nil); err == nil || err.Error() != `run "x": the store `+dir+` is closed: file already closed` {
		t.Error(err)
	}
}
