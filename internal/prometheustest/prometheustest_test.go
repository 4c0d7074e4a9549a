package prometheustest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/prometheustest"
	"github.com/spanloom/spanloom/internal/servertest"
)

func TestScrapedComesBack(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte("# TYPE threads gauge\nthreads{colour=\"red\"} 0.30000000000000004\n"))
	}))
	defer page.Close()
	server := prometheustest.Start(t, page.URL+"/metrics")
	deadline := time.Now().Add(15 * time.Second)
	for {
		got, err := server.Query(t.Context(), "threads")
		if slices.ContainsFunc(got, func(s prometheustest.Sample) bool {
			return s.Value == 0.30000000000000004 && s.Labels["colour"] == "red"
		}) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v, %v", got, err)
		}
		time.Sleep(servertest.PollInterval)
	}
	if _, err := server.Query(t.Context(), "threads{"); err == nil {
		t.Error("no error for a query that is none")
	}
}
