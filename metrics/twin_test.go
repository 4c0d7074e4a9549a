package metrics_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/spanloom/spanloom/metrics"
)

// logged is a writer that tells of each line.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
	came chan struct{}
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	l.came <- struct{}{}
	return len(p), nil
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestTwinsAreToldOnce(t *testing.T) {
	out := &logged{came: make(chan struct{}, 16)}
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(out, nil)))
	defer slog.SetDefault(old)
	word := fmt.Sprintf("twins%d", time.Now().UnixNano()) // the names of a process are kept
	r := metrics.NewRecorder(noop.NewMeterProvider(), "x")
	counter := func(name, unit string) {
		t.Helper()
		if _, err := r.Counter(strings.Replace(name, "twins", word, 1), unit); err != nil {
			t.Fatal(err)
		}
	}
	counter("twins.a_b", "{row}")
	counter("twins.a_b", "{row}") // the same one
	counter("twins.a_b", "By")    // another unit, which stands in the name
	if _, err := r.Gauge(word+"_a_b", "{row}"); err != nil {
		t.Fatal(err) // a counter has _total behind it
	}
	counter("twins_other", "{row}")
	counter("twins_a.b", "{row}")
	counter("twins_a.b", "{row}")
	counter("twins/a-b", "{row}")
	select {
	case <-out.came:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was logged")
	}
	counter("twins.last", "s")
	counter("twins_last", "s")
	<-out.came // what comes later was logged later
	got := out.String()
	if n := strings.Count(got, "one series in Prometheus"); n != 2 || !strings.Contains(got, "kind=counter first="+word+".a_b second="+word+"_a.b") {
		t.Errorf("%d lines:\n%s", n, got)
	}
}
