package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/runs"
)

type login struct {
	User     string
	Password privacy.Secret[string]
}

const canary = "hunter2-canary"

// has reports whether anything in the cache holds the text.
func (s *shelf) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, e := range s.m {
		if bytes.Contains(append([]byte(key), e.Value...), []byte(text)) {
			return true
		}
	}
	return false
}

// A secret is part of no key, so that two of them are never taken for one.
func TestASecretInputBypassesTheCache(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	var calls atomic.Int32
	p := engine.Define("p", func(g *graph, in engine.Value[login]) engine.Value[string] {
		return engine.Add(g, counted(&calls, "open", func(l login) string { return l.User + fmt.Sprint(len(l.Password.Reveal())) }), in, engine.WithCache("v1"))
	})
	for i, tt := range []struct{ password, want string }{{canary, "bob14"}, {canary + "!", "bob15"}, {"", "bob0"}} {
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), login{"bob", privacy.NewSecret(tt.password)}, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
		const reason = "[input 1 cannot be part of a key: the value of type engine_test.login would come back from JSON as something else]"
		if got != tt.want || err != nil || calls.Load() != int32(i+1) || fmt.Sprint(reasons(rec)) != reason {
			t.Error(got, err, calls.Load(), reasons(rec))
		}
		for _, ev := range rec.Events() {
			if e, ok := ev.Event.(callbacks.NodeStart); ok && !e.Cache.Bypass {
				t.Error("a look-up, not a bypass")
			}
		}
	}
	if len(store.m) != 0 {
		t.Error("something is stored")
	}
}

// A result with a secret is computed each time: what would be stored is the mark.
func TestASecretResultIsNotCached(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	var calls atomic.Int32
	p := engine.Define("p", func(g *graph, n num) engine.Value[login] {
		return engine.Add(g, counted(&calls, "make", func(int) login { return login{"bob", privacy.NewSecret(canary)} }), n, engine.WithCache("v1"))
	})
	for i := range 2 {
		got, err := p.Run(t.Context(), 1, engine.Config{Cache: store})
		if got.Password.Reveal() != canary || err != nil || calls.Load() != int32(i+1) {
			t.Error(got, err, calls.Load())
		}
	}
	if store.has(canary) || store.has(privacy.Mark) {
		t.Error("the secret, or what stands for it, is stored")
	}
}

// A run goes on without the results that have a secret, and makes them again, and
// what depends on them: it may be another secret.
func TestASecretIsNotKeptWithARun(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/runs"
	dir, err := runs.Open(path, runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var made, used atomic.Int32
	broken := true
	p := engine.Define("p", func(g *graph, in engine.Value[login]) num {
		made := engine.Add(g, counted(&made, "make", func(l login) login { return l }), in)
		n := engine.Add(g, counted(&used, "use", func(l login) int { return len(l.Password.Reveal()) }), made)
		return engine.Add(g, engine.Node("end", func(_ context.Context, n int) (int, error) {
			if broken {
				return 0, errBroken
			}
			return n, nil
		}), n)
	})
	for range 2 {
		got, err := p.Run(t.Context(), login{"bob", privacy.NewSecret(canary)}, engine.Config{RunID: "r", Runs: dir})
		if !broken && (got != len(canary) || err != nil) {
			t.Error(got, err)
		}
		broken = false
	}
	if made.Load() != 2 || used.Load() != 2 {
		t.Errorf("made %d times, used %d times", made.Load(), used.Load())
	}
	files, err := filepath.Glob(path + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || bytes.Contains(data, []byte(canary)) {
			t.Error(file, err)
		}
	}
	const changes = "the value of type engine_test.login would come back from JSON as something else"
	want := map[string]string{
		"p/make": "input 1 cannot be compared: " + changes + "; the result cannot be kept: " + changes,
		"p/use":  "input 1 cannot be compared: " + changes,
	}
	for rec, err := range dir.Read("r") {
		if err != nil {
			t.Error(err)
		}
		if want, ok := want[rec.Path]; ok && rec.Message != want {
			t.Errorf("%s runs again, and its record says %q, want %q", rec.Path, rec.Message, want)
		}
	}
}

// TestInputThatCannotBeCompared has runs that go on, and what is said of it: a warning
// where nobody knows whether the input is the same.
func TestInputThatCannotBeCompared(t *testing.T) {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	defer slog.SetDefault(before)
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	secret := single(func(_ context.Context, l login) (string, error) { return l.User, nil })
	plain := single(func(_ context.Context, n int) (int, error) { return n, nil })
	const warning = "level=WARN msg=\"a run goes on, although its input cannot be compared with that of its first start\" run=secret " +
		"reason=\"the value of type engine_test.login would come back from JSON as something else\"\n"
	for start, want := range []string{"", warning, warning} {
		b.Reset()
		for _, err := range []error{
			errorOf(secret.Run(t.Context(), login{"bob", privacy.NewSecret(canary)}, engine.Config{RunID: "secret", Runs: dir})),
			errorOf(plain.Run(t.Context(), 1, engine.Config{RunID: "plain", Runs: dir})),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		if _, got, _ := strings.Cut(b.String(), " "); got != want {
			t.Errorf("start %d says %q, want %q", start+1, got, want)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// A hook sees the values, and their text without the secret. A copy is refused,
// because it would have another password.
func TestHooksSeeNoSecretText(t *testing.T) {
	t.Parallel()
	var text string
	var copied error
	p := engine.Define("p", func(g *graph, in engine.Value[login]) engine.Value[login] {
		return engine.Add(g, engine.Node("same", func(_ context.Context, l login) (login, error) { return l, nil }), in)
	})
	listen := callbacks.Funcs{NodeEnd: func(_ *callbacks.CallbackContext, ev callbacks.NodeEnd) {
		text = ev.Outputs.JSON(0, 256)
		_, copied = ev.Outputs.Copy(0)
	}}
	if _, err := p.Run(t.Context(), login{"bob", privacy.NewSecret(canary)}, engine.Config{Callbacks: []callbacks.PipelineCallback{listen}}); err != nil {
		t.Error(err)
	}
	if text != `{"User":"bob","Password":"[redacted]"}` || copied == nil {
		t.Error(text, copied)
	}
}
