package doctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prelude has the commands of a page use this tree: no release has it. All else is done
// as it stands there.
const prelude = `set -eu
go() {
	if [ "$1" = get ]; then
		printf 'go 1.26.0\n\nuse (\n\t.\n\t%s\n)\n' "$TREE" > go.work
	elif [ "$1" != mod ]; then
		command go "$@"
	fi
}
`

// TestFollowingThePage types the commands of the page on backends.
func TestFollowingThePage(t *testing.T) {
	t.Parallel()
	tree, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "bin")+"/", tree+"/cmd/spanloom").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	script := prelude
	for _, m := range fence.FindAllStringSubmatch(source(t, "docs/writing-a-backend.md"), -1) {
		if m[3] == "sh" {
			script += m[4]
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TREE="+tree, "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"), "GOFLAGS=", "GOWORK=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"spanloom.yaml is valid", "> telemetry-test/count success"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page's commands do not say %q:\n%s", want, out)
		}
	}
}
