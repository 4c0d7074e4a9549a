package spooldir

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/spool"
	"github.com/spanloom/spanloom/manifest"
)

func TestNamesOfServices(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"", "shop", "Shop", "a/b", "..", ".", "%41", "caf\u00e9", "a b", "a\x00b", strings.Repeat("x", 300), strings.Repeat("x", 301)} {
		file := fileName(name)
		if other, ok := seen[strings.ToLower(file)]; ok {
			t.Errorf("%q and %q have the same directory", name, other)
		}
		seen[strings.ToLower(file)] = name
		if !filepath.IsLocal(file) || filepath.Base(file) != file || len(file) > 255 {
			t.Errorf("%q is in %q", name, file)
		}
		if got, ok := serviceOf(file); ok != (len(name) < 300) || ok && got != name {
			t.Errorf("%q comes back as %q, %v", name, got, ok)
		}
	}
	for _, file := range []string{"shop", "service-%zz", "service-Shop", "services-shop"} {
		if name, ok := serviceOf(file); ok {
			t.Errorf("%s is of %q", file, name)
		}
	}
}

// TestOthers: only what waits, for the same manifest, mode, namespace and backend, of
// processes that are gone.
func TestOthers(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	m := &manifest.Manifest{File: "/etc/it's/spanloom.yaml"}
	b := manifest.Backend{Name: "main"}
	now := manifest.Service{Name: "store", Namespace: "n", Mode: "prod"}
	keep := func(m *manifest.Manifest, s manifest.Service, b manifest.Backend, events int) *spool.Spool {
		t.Helper()
		sp, err := spool.Open(Of(m, s, b), uint64(events)+1, spool.Config{})
		if err != nil {
			t.Skip(err)
		}
		if events > 0 {
			if _, err := sp.Append(spool.Batch{Seq: 1, Events: events, Data: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
		return sp
	}
	of := func(change func(s *manifest.Service)) manifest.Service {
		s := now
		change(&s)
		return s
	}
	for events, s := range []manifest.Service{
		of(func(s *manifest.Service) { s.Name = "empty" }), now,
		of(func(s *manifest.Service) { s.Name, s.Mode = "x", "dev" }), of(func(s *manifest.Service) { s.Name, s.Namespace = "x", "" }),
		of(func(s *manifest.Service) { s.Name = "a shop" }),
	} {
		if err := keep(m, s, b, events).Close(); err != nil {
			t.Fatal(err)
		}
	}
	shop := of(func(s *manifest.Service) { s.Name = "shop" })
	_ = keep(m, shop, manifest.Backend{Name: "other"}, 5).Close()
	_ = keep(&manifest.Manifest{File: "/other.yaml"}, shop, b, 6).Close()
	running := keep(m, shop, b, 7)
	want := Other{
		Service: "a shop", Dir: Of(m, of(func(s *manifest.Service) { s.Name = "a shop" }), b), Events: 4,
	}
	want.Replay = `SPANLOOM_MODE=prod spanloom spool replay main --dir '` + want.Dir + `' --service 'a shop' --manifest '/etc/it'\''s/spanloom.yaml'`
	if got := Others(m, now, b); len(got) != 1 || got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	if got := Others(m, now, b); len(got) != 2 || got[1].Events != 7 {
		t.Errorf("%+v", got)
	}
	b.Delivery.Dir = t.TempDir()
	if got := Others(m, now, b); len(got) > 0 {
		t.Errorf("in a directory that the manifest says: %+v", got)
	}
	m.File = ""
	b.Delivery.Dir = ""
	if got := Replay(m, now, b, "/kept/main"); got != "" || len(Others(m, now, b)) > 0 {
		t.Error(got)
	}
}
