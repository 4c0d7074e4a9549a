package scaffold_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/scaffold"
	"github.com/spanloom/spanloom/pluginhost"
)

// name has each kind of character that a name may have.
const name = "0my-back_end"

func written(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "made")
	if err := scaffold.Write(dir, name, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestItWorks does with a new backend what its README and its author do: vet, test,
// lint, build, and use it in a program.
func TestItWorks(t *testing.T) {
	t.Parallel()
	dir := written(t)
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// Spanloom is this tree, as no release has it.
	if err := os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n\nuse (\n\t.\n\t"+tree+"\n)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"), "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
		}
	}
	run("go", "vet", "./...")
	run("go", "test", "./...")
	binary := filepath.Join(dir, "spanloom-backend-"+name)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	run("go", "build", "-o", binary, ".")
	if lint := filepath.Join(tree, ".bin", "golangci-lint"); exists(lint) {
		run(lint, "run", "--allow-parallel-runners", "./...")
	} else {
		t.Log("not linted: make lint builds the linter")
	}
	if t.Failed() {
		return
	}
	if got, want := underAHost(t, binary, `{ "prefix": "> " }`), "> daily/double success\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
	if got, want := underAHost(t, binary, `{}`), name+": daily/double success\n"; got != want {
		t.Errorf("by default %q, want %q", got, want)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// underAHost returns what a backend process writes of a run of one node.
func underAHost(t *testing.T, binary, config string) string {
	t.Helper()
	var out locked
	host := pluginhost.Start(pluginhost.Spec{
		Name: "main", Launch: pluginhost.Command(binary), Config: []byte(config), Output: &out, StartTimeout: 20 * time.Second,
	})
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	daily := engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, double, n) })
	if _, err := daily.Run(t.Context(), 21, engine.Config{Callbacks: []callbacks.PipelineCallback{host}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := host.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestFiles: all are there, none has a template's marks left, and YAML is YAML.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := written(t)
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, mark := range []string{"[[.", "[[-", "<no value>"} {
			if bytes.Contains(data, []byte(mark)) {
				t.Errorf("%s has %s", name, mark)
			}
		}
		if ext := filepath.Ext(path); ext == ".yml" || ext == ".yaml" {
			var v any
			if err := yaml.Unmarshal(data, &v); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	want := []string{
		".github/workflows/release.yml", ".github/workflows/test.yml", ".gitignore", ".golangci.yml", ".goreleaser.yaml",
		"Makefile", "README.md", "go.mod", "main.go", "main_test.go",
	}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %q", err, names)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"":       "module spanloom-backend-x\n\ngo 1.26.0\n",
		"v1.2.3": "module spanloom-backend-x\n\ngo 1.26.0\n\nrequire github.com/spanloom/spanloom v1.2.3\n",
	} {
		dir := filepath.Join(t.TempDir(), "made")
		if err := scaffold.Write(dir, "x", version); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || string(data) != want {
			t.Errorf("%v, %q", err, data)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	file := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := []string{dir, file}
	if os.Symlink(filepath.Join(dir, "nothing"), link) == nil {
		list = append(list, link)
	}
	for _, path := range list {
		if err := scaffold.Write(path, name, ""); err == nil || !strings.Contains(err.Error(), "exists already, and is left as it is") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "mine" {
		t.Errorf("%v, %q", err, data)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", err, entries)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "..", "../x", "/x", "-x", "_x", "X", "a b", "a.b", "a\nb", "a\n", "a\x00", `a"`, "[[.Name]]", "ü", "spanloom-backend-x", strings.Repeat("a", 41),
	} {
		dir := filepath.Join(t.TempDir(), "made")
		if err := scaffold.Write(dir, bad, ""); err == nil || len(err.Error()) > 250 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", bad, err)
		}
		if exists(dir) {
			t.Errorf("%q: something is written", bad)
		}
	}
	for _, good := range []string{"x", name, strings.Repeat("a", 40)} {
		if err := scaffold.CheckName(good); err != nil {
			t.Error(err)
		}
	}
}
