package metricname_test

import (
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/metricname"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"rows":                   "",
		"Rows.per_batch-1/x":     "",
		"spanlooms":              "",
		strings.Repeat("a", 255): "",
		"":                       "the name is empty",
		strings.Repeat("a", 256): "the name has 256 characters, and 255 are the most",
		"1st":                    `the name must begin with a letter, not with '1'`,
		"SpanLoom.rows":          `names whose first word is "spanloom" are those of the engine; choose another`,
		"spanloom/node/duration": `names whose first word is "spanloom" are those of the engine; choose another`,
		"rows read":              `' ' is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`,
		"zeilen.größe":           `'ö' is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`,
		"a\xff":                  `'�' is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`,
	} {
		got := ""
		if err := metricname.Check(name); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s\nwant %s", name, got, want)
		}
	}
	if got := metricname.Short(strings.Repeat("a", 300)); got != strings.Repeat("a", 32)+"..." {
		t.Error(got)
	}
}
