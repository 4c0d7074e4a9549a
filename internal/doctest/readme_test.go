package doctest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a code block of the documentation with the comment before it, which says
// what it must agree with.
type block struct{ kind, arg, lang, text string }

var fence = regexp.MustCompile("(?m)(?:^<!-- ([a-z ]+?)(?:: (\\S+))? -->\n)?^```(\\w*)\n((?s:.*?))^```$")

const root = "../.."

// pages are the files whose blocks are held. The last manifest before a block of
// kind "validate" is the one that it is about. Package metrics holds "queries".
var pages = []string{
	"docs/manifest.md", "docs/engine.md", "docs/callbacks.md", "docs/logs.md", "docs/metrics.md", "docs/privacy.md",
	"docs/propagation.md", "docs/traces.md", "docs/signals.md", "docs/telemetry.md", "docs/operations.md", "docs/security.md",
	"docs/writing-a-backend.md", "docs/backend-protocol.md", "README.md",
}

func blocks(t *testing.T) []block {
	t.Helper()
	var list []block
	for _, name := range pages {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(data), -1) {
			list = append(list, block{m[1], m[2], m[3], m[4]})
		}
	}
	return list
}

// TestEveryBlockIsHeld fails for a block that no test looks at.
func TestEveryBlockIsHeld(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, b := range blocks(t) {
		seen[b.kind]++
		if b.kind == "" && b.lang != "sh" && !strings.Contains(b.text, "──") {
			t.Errorf("no comment says what this block must agree with:\n%s", b.text)
		}
	}
	for _, kind := range []string{
		"file", "part of", "example", "prints", "output", "manifest", "validate", "queries", "overlay", "show", "try",
	} {
		if seen[kind] == 0 {
			t.Errorf("no block is of kind %q", kind)
		}
		delete(seen, kind)
	}
	delete(seen, "")
	if len(seen) > 0 {
		t.Errorf("no test looks at blocks of kind %v", slices.Sorted(maps.Keys(seen)))
	}
}

func TestProgramsAreThoseInTheTree(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t) {
		if b.kind != "file" && b.kind != "part of" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, b.arg))
		if err != nil {
			t.Fatal(err)
		}
		if b.kind == "file" && string(data) != b.text {
			t.Errorf("%s differs:\n%s", b.arg, cmp.Diff(string(data), b.text))
		}
		if !strings.Contains(string(data), b.text) {
			t.Errorf("%s does not have this part:\n%s", b.arg, b.text)
		}
	}
}

// changing is what differs from run to run.
var changing = regexp.MustCompile(`run [0-9a-f]+|trace [0-9a-f]+|<?[0-9.]+(ms|s)|[0-9]+ items`)

func normal(s string) string {
	s = changing.ReplaceAllStringFunc(s, func(m string) string {
		switch {
		case strings.HasPrefix(m, "run"):
			return "run ID"
		case strings.HasPrefix(m, "trace"):
			return "trace ID"
		case strings.HasSuffix(m, "items"):
			return "N items"
		default:
			return "TIME"
		}
	})
	return regexp.MustCompile(`(?m) {2,}TIME`).ReplaceAllString(s, "  TIME")
}

func TestOutputIsThatOfThePrograms(t *testing.T) {
	t.Parallel()
	consoleOnly := write(t, "version: \"1\"\ntelemetry:\n  backends:\n    - plugin: console\n")
	for _, b := range blocks(t) {
		if b.kind != "output" {
			continue
		}
		out := &strings.Builder{}
		cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/"+b.arg)
		cmd.Dir, cmd.Stderr = root, out
		cmd.Env = append(os.Environ(), "NO_COLOR=1", "SPANLOOM_MANIFEST="+consoleOnly)
		stdout, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", b.arg, err, out)
		}
		if b.arg == "hello" {
			out.Write(stdout)
		}
		if diff := cmp.Diff(normal(out.String()), normal(b.text)); diff != "" {
			t.Errorf("%s prints (-), the README says (+):\n%s", b.arg, diff)
		}
	}
}

func TestManifests(t *testing.T) {
	t.Parallel()
	var text, overlay, mode string
	for _, b := range blocks(t) {
		switch b.kind {
		case "manifest":
			text, overlay, mode = b.text, "", ""
			if out, err := spanloom(t, []string{"validate"}, text); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		case "validate":
			wrong := strings.NewReplacer("service:", "servce:", "endpoint:", "endpont:").Replace(text)
			if got, _ := spanloom(t, []string{"validate"}, wrong); got != b.text {
				t.Errorf("validate says (-), the page says (+):\n%s", cmp.Diff(got, b.text))
			}
		case "overlay":
			overlay, mode = b.text, b.arg
			if out, err := spanloom(t, []string{"validate", "--mode", mode}, text, overlay); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		case "try":
			out, err := spanloom(t, []string{"telemetry", "test", "--manifest"}, text)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if diff := cmp.Diff(normal(out), normal(b.text)); diff != "" {
				t.Errorf("telemetry test prints (-), the page says (+):\n%s", diff)
			}
		case "show":
			out, err := spanloom(t, []string{"config", "show", "--mode", mode}, text, overlay)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			var got strings.Builder
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, b.arg) {
					got.WriteString(regexp.MustCompile(` {2,}`).ReplaceAllString(line, "  "))
				}
			}
			if got.String() != b.text {
				t.Errorf("config show says (-), the page says (+):\n%s", cmp.Diff(got.String(), b.text))
			}
		}
	}
}

// spanloom runs the command on a manifest, with what lies over it in the mode that
// is its last argument, and returns what it says of spanloom.yaml.
func spanloom(t *testing.T, args []string, text string, overlay ...string) (string, error) {
	t.Helper()
	path := write(t, text)
	for _, over := range overlay {
		mode := args[len(args)-1]
		if err := os.WriteFile(strings.TrimSuffix(path, "yaml")+mode+".yaml", []byte(over), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"run", "./cmd/spanloom"}, args...), path)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "COLLECTOR_TOKEN=c4n4ry")
	out, err := cmd.CombinedOutput()
	said := strings.ReplaceAll(string(out), filepath.Dir(path)+"/", "")
	return strings.TrimSuffix(said, "exit status 3\n"), err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
