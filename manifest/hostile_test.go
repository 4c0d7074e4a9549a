package manifest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/manifest"
)

// bomb doubles nine times nine: 396 bytes that expand to 3.4 GB.
func bomb() string {
	var b strings.Builder
	b.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for c := byte('b'); c <= 'i'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ","))
	}
	return b.String()
}

func hostile() map[string]string {
	repeat := strings.Repeat
	return map[string]string{
		"bomb":                  bomb(),
		"deep lists":            repeat("[", 20_000),
		"deep mappings":         repeat("{a: ", 20_000),
		"deep items":            repeat("- ", 20_000),
		"deep keys":             repeat("? ", 20_000),
		"deep lists below":      "version: \"1\"\ntelemetry: " + repeat("[", 20_000) + repeat("]", 20_000),
		"deep block":            deepBlock(20_000),
		"many items":            "version: \"1\"\ntelemetry: [" + repeat("a,", 500_000) + "]",
		"many lines":            repeat("- a\n", 250_000),
		"many unknown keys":     manyKeys(9_000),
		"many equal keys":       repeat("a: 1\n", 19_000),
		"many anchors":          repeat("- &a x\n", 19_000),
		"many tags":             repeat("- !x x\n", 19_000),
		"many merge keys":       repeat("<<: {}\n", 19_000),
		"many documents":        repeat("---\n", 19_000),
		"many references":       "version: \"" + repeat("${env:SECRET}", 70_000) + "\"",
		"many dollars":          "version: \"" + repeat("$", 1_000_000) + "\"",
		"many unset references": repeat("- ${env:NOPE}\n", 19_000),
		"long key":              "? " + repeat("a", 1_000_000) + "\n: 1\n",
		"long keys, deep":       deepKeys(),
		"long scalar":           "version: " + repeat("a", 1_000_000),
		"long reference":        "version: ${env:" + repeat("A", 1_000_000) + "}",
		"long kind":             "version: \"${" + repeat("a", 900_000) + ":x}\"",
		"long tag":              "version: !" + repeat("a", 1_000_000) + " x",
		"long plugin":           backend(repeat("a", 1_000_000)),
		"open reference":        "version: [" + repeat("${env:", 150_000),
		"large":                 repeat("a", 1<<20+1),
		"carriage returns":      repeat("\r", 900_000),
		"NUL":                   repeat("\x00", 1000),
		"numbers":               "version: 1e999999999\n",
		"windows name":          "version: \"1\"\ntelemetry: {backends: [{command: [\"C:evil\"]}]}",
	}
}

func deepBlock(n int) string {
	// Real indentation would be 200 MB; items nest on one line.
	return "version: \"1\"\ntelemetry:\n  " + strings.Repeat("- ", n) + "x\n"
}

func deepKeys() string {
	key := strings.Repeat("k", 1000)
	return strings.Repeat("{"+key+": ", 60) + "1" + strings.Repeat("}", 60)
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	return b.String()
}

// checkErrors holds what is true of every refusal.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	var errs manifest.Errors
	if !errors.As(err, &errs) || len(errs) == 0 || len(errs) > 101 {
		t.Fatalf("got %T with %d errors", err, len(errs))
	}
	if len(errs.Unwrap()) != len(errs) {
		t.Error("Unwrap loses errors")
	}
	last := &manifest.Error{}
	for _, e := range errs {
		if e.Line < 1 || e.Column < 1 || e.Message == "" {
			t.Errorf("no place or no words: %#v", e)
		}
		if e.Line < last.Line || e.Line == last.Line && e.Column < last.Column {
			t.Errorf("not sorted: %v after %v", e, last)
		}
		text := e.Error()
		if len(text) > 20_000 {
			t.Errorf("%d bytes of text", len(text))
		}
		if strings.Contains(text, canary) {
			t.Errorf("a value of the environment is in the text: %s", text)
		}
		last = e
	}
}

func TestHostile(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := manifest.Parse("spanloom.yaml", []byte(text), options)
			// Idle, the slowest takes a tenth; the race detector and a busy
			// machine need the rest.
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			checkErrors(t, err)
		})
	}
}

// TestHostileOverlay lays each of them over a good manifest.
func TestHostileOverlay(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(filepath.Join("testdata", "good", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "spanloom.yaml")
	write(t, path, string(good))
	for name, text := range hostile() {
		write(t, filepath.Join(dir, "spanloom.staging.yaml"), text)
		start := time.Now()
		_, err := manifest.Load(path, options)
		// As above, and other tests run beside this one.
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		checkErrors(t, err)
	}
}

// TestManyBackends lays thousands of backends over thousands: what merging takes
// must not grow with their product. Those that are left are few, because of each
// there is more to do than to merge.
func TestManyBackends(t *testing.T) {
	t.Parallel()
	entries := func(n int, format string) string {
		var b strings.Builder
		b.WriteString("telemetry:\n  backends:\n")
		for i := range n {
			fmt.Fprintf(&b, "    - { name: "+format+" }\n", i)
		}
		return b.String()
	}
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	for _, tt := range []struct {
		n      int
		format string
		want   int // -1 for mistakes
	}{
		{9_000, "c%d", -1},
		{9_000, "b%d, plugin: null", 0},
		{100, "b%d, required: true", 100},
		{100, "c%d, plugin: console", 200},
	} {
		write(t, path, "version: '1'\n"+entries(tt.n, "b%d, plugin: console"))
		write(t, strings.Replace(path, ".yaml", ".dev.yaml", 1), entries(tt.n, tt.format))
		start := time.Now()
		m, err := manifest.Load(path, manifest.Options{Mode: "dev", LookupEnv: lookup})
		if took := time.Since(start); took > 10*time.Second { // idle and without the race detector, a thirtieth
			t.Errorf("%s: took %v", tt.format, took)
		}
		switch {
		case tt.want < 0:
			checkErrors(t, err)
		case err != nil:
			t.Error(err)
		case len(m.Telemetry.Backends) != tt.want:
			t.Errorf("%s: %d backends, want %d", tt.format, len(m.Telemetry.Backends), tt.want)
		}
	}
}

// TestHostileBounds holds the figures of the design for the inputs it names:
// refused within 50 ms and 16 MiB.
func TestHostileBounds(t *testing.T) {
	for _, name := range []string{"bomb", "deep lists", "deep mappings", "deep items", "deep block", "large", "many lines", "many items"} {
		text := []byte(hostile()[name])
		best := time.Hour
		var before, after runtime.MemStats
		for range 3 {
			runtime.ReadMemStats(&before)
			start := time.Now()
			if _, err := manifest.Parse("spanloom.yaml", text, options); err == nil {
				t.Errorf("%s: no error", name)
			}
			best = min(best, time.Since(start))
			runtime.ReadMemStats(&after)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
			t.Errorf("%s: allocates %d bytes", name, got)
		}
		if best > 50*time.Millisecond {
			t.Errorf("%s: took %v", name, best)
		}
	}
}

// TestMutations cuts, doubles and soils good files in a few hundred ways: no
// panic, and every refusal has its form.
func TestMutations(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("testdata", "good", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	soils := []string{"", "\t", "\x00", "[", "{", "}", "&a ", "*a ", "!x ", "- ", ": ", "\"", "${", "${env:SECRET}", "<<: ", "\n---\n", "é", "../"}
	cases := 0
	for at := 0; at < len(good); at += 19 {
		for _, soil := range soils {
			cases++
			text := string(good[:at]) + soil + string(good[at:])
			if soil == "" {
				text = string(good[:at])
			}
			if m, err := manifest.Parse("spanloom.yaml", []byte(text), options); err != nil {
				checkErrors(t, err)
			} else if m.Version != "1.0" {
				t.Errorf("at %d with %q: version %q", at, soil, m.Version)
			}
		}
	}
	if cases < 200 {
		t.Errorf("only %d cases", cases)
	}
}
