package semconvtest_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/internal/semconvtest"
)

// TestWhatIsWrittenIsRead writes groups of each kind, holds the file to them and
// reads them again.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	want := []semconvtest.Group{
		semconvtest.Registry("x", "Attributes: of x.", semconvtest.Define("spanloom.x", "int", "It's \"x\".")),
		{
			ID: "span.spanloom.x", Type: "span", Stability: semconvtest.Development, Brief: "X.", SpanKind: "internal",
			Events: []string{"exception"}, Annotations: semconvtest.Annotations{SpanName: "x {spanloom.x}"},
			Attributes: []semconvtest.Attribute{semconvtest.Refer("spanloom.x")},
		},
		{ID: "metric.x", Type: "metric", MetricName: "x", Instrument: "counter", Unit: "{x}"},
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	semconvtest.Hold(t, path, true, want...)
	semconvtest.Hold(t, path, false, want...)
	if diff := cmp.Diff(want, semconvtest.Read(t, path)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
