package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is another process that uses a directory, when this variable
// says so.
const childVariable = "SPANLOOM_TEST_RUNS_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childVariable); mode != "" {
		child(mode, os.Args[1], os.Args[2])
		return
	}
	goleak.VerifyTestMain(m)
}

// child opens a run. In mode "hold" it keeps it open until its input ends, and
// in mode "append" it appends until it is killed, and prints the number of each
// record once it is accepted.
func child(mode, dir, id string) {
	d, err := Open(dir, Options{})
	if err != nil {
		panic(err)
	}
	log, err := d.Open(context.Background(), Header{ID: id}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("open")
	if mode == "hold" {
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	_, starts := log.First()
	for i := starts * 1_000_000; ; i++ {
		if err := log.Append(numbered(i)); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

// numbered is a record whose content follows from its number.
func numbered(i int) Record {
	size := i * 37 % 5000
	if i%20 == 19 {
		size *= 100 // written page by page
	}
	value := json.RawMessage(strconv.Quote(strconv.Itoa(i) + ":" + strings.Repeat("0", size)))
	return Record{Kind: "node", Path: "p/" + strconv.Itoa(i), Attempt: 1, Status: "success", Outputs: []json.RawMessage{value}}
}

func open(t testing.TB, dir string) *Dir {
	t.Helper()
	d, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func begin(t testing.TB, s Store, id string) Log {
	t.Helper()
	l, err := s.Open(context.Background(), Header{ID: id, Pipeline: "p"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close("", "") })
	return l
}

func add(t testing.TB, l Log, records ...Record) {
	t.Helper()
	for _, r := range records {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

func end(t testing.TB, l Log, result string) {
	t.Helper()
	if err := l.Close(result, ""); err != nil {
		t.Fatal(err)
	}
}

func raw(values ...string) []json.RawMessage {
	list := []json.RawMessage{}
	for _, v := range values {
		list = append(list, json.RawMessage(v))
	}
	return list
}

// sample is a small run of every kind of line, and what it has to give back.
func sample(t testing.TB, dir, id string) (path string, records []Record) {
	t.Helper()
	d := open(t, dir)
	at := time.Date(2026, 11, 1, 12, 0, 0, 5, time.UTC)
	records = []Record{
		{Kind: "node", Path: "p/a", Attempt: 1, Status: "failure", Started: at, Ended: at, Message: "no <b> & no line\nfeed", ErrorType: "*x.E", Metrics: map[string]float64{"rows": -0.5}},
		{Kind: "node", Path: "p/a", Attempt: 2, Status: "success", Started: at, Ended: at, Inputs: raw("1"), Outputs: raw(`{"x":"<ü\u2028>"}`, "null"), Metrics: map[string]float64{"a/b": 1e300, "model.loss": 0.25}},
		{Kind: "map_item", Path: "p/m[0]", Attempt: 1, Status: "cached", Outputs: raw()},
		{Kind: "map_item", Path: "p/\xff", Attempt: 1, Status: "success", Outputs: raw("7")},
		{Kind: "node", Path: "p/b", Attempt: 1, Status: "success", Outputs: raw(`"an output as long as some are"`)},
		{Kind: "node", Path: "p/c", Attempt: 1, Status: "success"},
	}
	l := begin(t, d, id)
	add(t, l, records[:3]...)
	end(t, l, "failure")
	l = begin(t, d, id)
	add(t, l, records[3:]...)
	end(t, l, "success")
	return filepath.Join(dir, fileName(id)), records
}
