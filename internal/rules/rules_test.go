package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/spanloom/spanloom"

// pkg is what `go list` says of one package, without its tests.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	Imports    []string
	Deps       []string
	GoFiles    []string
	CgoFiles   []string
}

// packages are the packages of this repository and all they depend on.
type packages map[string]pkg

// ours tells whether a package belongs to this repository.
func ours(importPath string) bool { return within(importPath, module) }

// within tells whether a package is root or below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

// forTests tells whether a package exists for tests: callbacktest, jaegertest,
// conformance kits and what lies below them.
func forTests(importPath string) bool {
	return slices.ContainsFunc(strings.Split(importPath, "/"), func(part string) bool {
		return strings.HasSuffix(part, "test")
	})
}

// A rule returns one line for each way in which it is broken.
type rule struct {
	name  string
	check func(packages) []string
}

var rules = []rule{
	{"callbacks depends on the standard library and the encoder of values only", only(
		equal(module+"/callbacks"), module+"/internal/capture")},
	{"the encoder of values depends on the standard library only", only(
		equal(module + "/internal/capture"))},
	{"privacy depends on the standard library and the encoder of values only", only(
		equal(module+"/privacy"), module+"/internal/capture")},
	{"engine depends on callbacks, cache, runs and the standard library only", only(
		either(equal(module+"/engine"), below(module+"/engine/internal")),
		module+"/callbacks", module+"/cache", module+"/runs", module+"/engine/internal/...",
		module+"/internal/capture", module+"/internal/metricname", module+"/internal/private")},
	{"the names of metrics depend on the standard library only", only(
		equal(module + "/internal/metricname"))},
	{"nothing below engine knows OpenTelemetry", never(
		below(module+"/engine"), "go.opentelemetry.io")},
	{"the cache interface depends on the standard library only", only(
		equal(module + "/cache"))},
	{"private files depend on the standard library only", only(
		equal(module + "/internal/private"))},
	{"the lock file depends on the standard library and private files only", only(
		equal(module+"/internal/lockfile"), module+"/internal/private")},
	{"runs depends on the standard library and private files only", only(
		equal(module+"/runs"), module+"/internal/private")},
	{"the spool depends on the standard library and private files only", only(
		equal(module+"/internal/spool"), module+"/internal/private")},
	{"the memory cache brings otter only", only(
		equal(module+"/cache/memory"),
		module+"/cache", "github.com/maypok86/otter/v2/...")},
	{"the disk cache brings bbolt only", only(
		equal(module+"/cache/disk"),
		module+"/cache", module+"/internal/private", "go.etcd.io/bbolt/...", "golang.org/x/sys/...")},
	{"the kit for caches depends on the cache interface only", only(
		equal(module+"/cache/cachetest"), module+"/cache")},
	{"logs knows neither the engine nor OpenTelemetry's SDK", never(
		equal(module+"/logs"), module+"/engine", module+"/pluginhost", module+"/manifest", "go.opentelemetry.io/otel/sdk")},
	{"propagation brings OpenTelemetry's API only", only(
		equal(module+"/propagation"),
		module+"/callbacks", module+"/internal/capture", module+"/internal/nodespan",
		"go.opentelemetry.io/otel/attribute/...", "go.opentelemetry.io/otel/baggage",
		"go.opentelemetry.io/otel/codes", "go.opentelemetry.io/otel/internal/...", "go.opentelemetry.io/otel/propagation/...",
		"go.opentelemetry.io/otel/semconv/...", "go.opentelemetry.io/otel/trace/...",
		"go.opentelemetry.io/contrib/propagators/envcar", "github.com/cespare/xxhash/v2")},
	{"nothing below propagation knows the engine", never(
		below(module+"/propagation"), module+"/engine", module+"/pluginhost", "go.opentelemetry.io/otel/sdk")},
	{"metrics does not know the engine, hosts or the tracing SDK", never(
		equal(module+"/metrics"),
		module+"/engine", module+"/pluginhost", module+"/backend", "go.opentelemetry.io/otel/sdk/trace",
		"go.opentelemetry.io/otel/exporters")},
	{"manifest starts nothing, and knows nothing that does", never(
		equal(module+"/manifest"), module+"/engine", module+"/pluginhost", module+"/backend", "go.opentelemetry.io")},
	{"plugins know neither engine nor host", never(
		below(module+"/plugins"), module+"/engine", module+"/pluginhost")},
	{"backend does not know the engine", never(
		below(module+"/backend"), module+"/engine")},
	{"telemetry knows neither backends nor their host", never(
		below(module+"/telemetry"), module+"/engine", module+"/backend", module+"/pluginhost", module+"/plugins")},
	{"testing is for tests", testingIsForTests},
	{"OpenTelemetry's globals are left alone", globalsAreLeftAlone},
}

type selector func(importPath string) bool

func equal(want string) selector { return func(p string) bool { return p == want } }
func below(root string) selector { return func(p string) bool { return within(p, root) } }

func either(a, b selector) selector {
	return func(p string) bool { return a(p) || b(p) }
}

// only allows the chosen packages to depend, directly or not, on the standard
// library and on the packages named; a name may end in "/...".
func only(chosen selector, may ...string) func(packages) []string {
	allowed := func(dep string) bool {
		return slices.ContainsFunc(may, func(name string) bool {
			root, tree := strings.CutSuffix(name, "/...")
			return dep == root || tree && within(dep, root)
		})
	}
	return dependencies(chosen, func(dep pkg) bool { return dep.Standard || allowed(dep.ImportPath) })
}

// never forbids the chosen packages to depend, directly or not, on a package
// at or below the roots named.
func never(chosen selector, roots ...string) func(packages) []string {
	return dependencies(chosen, func(dep pkg) bool {
		return !slices.ContainsFunc(roots, func(root string) bool { return within(dep.ImportPath, root) })
	})
}

func dependencies(chosen selector, allowed func(pkg) bool) func(packages) []string {
	return func(all packages) (broken []string) {
		for _, p := range all {
			if !chosen(p.ImportPath) {
				continue
			}
			for _, dep := range p.Deps {
				if !allowed(all[dep]) {
					broken = append(broken, p.ImportPath+" depends on "+dep)
				}
			}
		}
		return broken
	}
}

// testingIsForTests looks at direct imports, since some libraries import
// testing; a package of ours for tests would bring it in as well.
func testingIsForTests(all packages) (broken []string) {
	for _, p := range all {
		if !ours(p.ImportPath) || forTests(p.ImportPath) {
			continue
		}
		for _, imp := range p.Imports {
			if within(imp, "testing") || ours(imp) && forTests(imp) && slices.Contains(all[imp].Deps, "testing") {
				broken = append(broken, p.ImportPath+" imports "+imp)
			}
		}
	}
	return broken
}

func TestRules(t *testing.T) {
	all := list(t)
	if _, ok := all[module+"/internal/rules"]; !ok {
		t.Fatal("go list did not find this very package")
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			broken := r.check(all)
			slices.Sort(broken)
			for _, line := range broken {
				t.Error(line)
			}
		})
	}
}

// list describes the packages of every module in the workspace.
func list(t *testing.T) packages {
	t.Helper()
	args := []string{"list", "-deps", "-json=ImportPath,Dir,Standard,Imports,Deps,GoFiles,CgoFiles"}
	for dir := range strings.FieldsSeq(goTool(t, "list", "-m", "-f", "{{.Dir}}")) {
		args = append(args, dir+"/...")
	}
	all := packages{}
	for dec := json.NewDecoder(strings.NewReader(goTool(t, args...))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		t.Fatalf("go %s: %v", strings.Join(args[:2], " "), err)
	}
	return string(out)
}

// TestRulesCanFail gives every rule a repository that breaks it and one that
// comes close.
func TestRulesCanFail(t *testing.T) {
	const otel = "go.opentelemetry.io/otel/trace"
	cases := map[string]struct{ broken, kept packages }{
		"callbacks depends on the standard library and the encoder of values only": {
			broken: fake("callbacks", module+"/cache"),
			kept:   join(fake("callbacks", "context", module+"/internal/capture"), fake("callbacks/callbacktest", "testing", module+"/callbacks")),
		},
		"the encoder of values depends on the standard library only": {
			broken: fake("internal/capture", module+"/callbacks"),
			kept:   fake("internal/capture", "reflect"),
		},
		"privacy depends on the standard library and the encoder of values only": {
			broken: fake("privacy", module+"/callbacks"),
			kept:   fake("privacy", "log/slog", module+"/internal/capture"),
		},
		"engine depends on callbacks, cache, runs and the standard library only": {
			broken: fake("engine/internal/plan", module+"/cache/disk"),
			kept:   join(fake("engine", "sync", module+"/callbacks", module+"/cache", module+"/runs", module+"/engine/internal/plan"), fake("engine/enginetest", "github.com/google/go-cmp/cmp")),
		},
		"the names of metrics depend on the standard library only": {
			broken: fake("internal/metricname", module+"/callbacks"),
			kept:   fake("internal/metricname", "strings"),
		},
		"nothing below engine knows OpenTelemetry": {
			broken: fake("engine/enginetest", otel),
			kept:   join(fake("engine/enginetest", "testing"), fake("engines", otel)),
		},
		"the cache interface depends on the standard library only": {
			broken: fake("cache", "go.etcd.io/bbolt"),
			kept:   fake("cache/disk", "go.etcd.io/bbolt"),
		},
		"private files depend on the standard library only": {
			broken: fake("internal/private", "golang.org/x/sys/unix"),
			kept:   fake("internal/private", "os", "syscall"),
		},
		"runs depends on the standard library and private files only": {
			broken: fake("runs", module+"/callbacks"),
			kept:   join(fake("runs", "os", module+"/internal/private"), fake("runs/runstest", "testing", module+"/runs")),
		},
		"the spool depends on the standard library and private files only": {
			broken: fake("internal/spool", module+"/backend/backendpb"),
			kept:   fake("internal/spool", "os", module+"/internal/private"),
		},
		"the lock file depends on the standard library and private files only": {
			broken: fake("internal/lockfile", module+"/manifest"),
			kept:   fake("internal/lockfile", "encoding/json", module+"/internal/private"),
		},
		"the memory cache brings otter only": {
			broken: fake("cache/memory", "go.etcd.io/bbolt"),
			kept:   fake("cache/memory", module+"/cache", "github.com/maypok86/otter/v2/stats"),
		},
		"the disk cache brings bbolt only": {
			broken: fake("cache/disk", module+"/callbacks"),
			kept:   fake("cache/disk", module+"/cache", "go.etcd.io/bbolt/errors", "golang.org/x/sys/unix"),
		},
		"the kit for caches depends on the cache interface only": {
			broken: fake("cache/cachetest", module+"/engine"),
			kept:   fake("cache/cachetest", "testing", module+"/cache"),
		},
		"logs knows neither the engine nor OpenTelemetry's SDK": {
			broken: fake("logs", "go.opentelemetry.io/otel/sdk/log"),
			kept:   fake("logs", module+"/callbacks", module+"/propagation", otel, "go.opentelemetry.io/otel/log"),
		},
		"propagation brings OpenTelemetry's API only": {
			broken: fake("propagation", "google.golang.org/grpc"),
			kept:   join(fake("propagation", otel, module+"/callbacks"), fake("propagation/grpcprop", "google.golang.org/grpc")),
		},
		"nothing below propagation knows the engine": {
			broken: fake("propagation/grpcprop", module+"/engine"),
			kept:   fake("propagation/grpcprop", module+"/propagation"),
		},
		"metrics does not know the engine, hosts or the tracing SDK": {
			broken: fake("metrics", "go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"),
			kept:   fake("metrics", module+"/callbacks", "go.opentelemetry.io/otel/sdk/metric"),
		},
		"manifest starts nothing, and knows nothing that does": {
			broken: fake("manifest", module+"/backend"),
			kept:   join(fake("manifest", "os", module+"/privacy"), fake("internal/catalog", module+"/manifest", module+"/backend")),
		},
		"plugins know neither engine nor host": {
			broken: fake("plugins/console/cmd/spanloom-backend-console", module+"/pluginhost"),
			kept:   fake("plugins/console", module+"/backend"),
		},
		"backend does not know the engine": {
			broken: fake("backend/backendtest", module+"/engine"),
			kept:   fake("backend", module+"/callbacks"),
		},
		"telemetry knows neither backends nor their host": {
			broken: fake("telemetry/providers", module+"/pluginhost"),
			kept:   fake("telemetry/providers", module+"/internal/otelresource", "google.golang.org/grpc"),
		},
		"testing is for tests": {
			broken: fake("live", "testing/fstest"),
			kept:   join(fake("callbacks/callbacktest", "testing"), fake("internal/jaegertest/jaegerbin", "os")),
		},
		"OpenTelemetry's globals are left alone": {
			broken: fakeSource(t, `import o "go.opentelemetry.io/otel"; func f() { o.SetTracerProvider(nil) }`),
			kept:   fakeSource(t, `import o "go.opentelemetry.io/otel"; func f(x T) { o.Version(); x.SetTracerProvider(nil) }`),
		},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			c, ok := cases[r.name]
			if !ok {
				t.Fatal("this rule has no case that breaks it")
			}
			if len(r.check(c.broken)) == 0 {
				t.Error("a repository that breaks the rule passes")
			}
			if broken := r.check(c.kept); len(broken) != 0 {
				t.Errorf("a repository that keeps the rule fails: %q", broken)
			}
		})
	}
}

// fake is a repository of one package and what it imports.
func fake(name string, imports ...string) packages {
	p := pkg{ImportPath: path.Join(module, name), Imports: imports, Deps: imports}
	all := packages{p.ImportPath: p}
	for _, imp := range imports {
		standard := !strings.Contains(strings.Split(imp, "/")[0], ".")
		all[imp] = pkg{ImportPath: imp, Standard: standard}
	}
	return all
}

func join(a, b packages) packages {
	maps.Copy(a, b)
	return a
}
