package privacy_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/privacy"
)

type broken struct{}

func (broken) Error() string { panic("no") }

func TestAttr(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	r.Add("123456", "${env:PIN}")
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return r.Attr(groups, a)
	}}))
	for want, args := range map[string][]any{
		`user=bob`:                                   {"user", "bob"},
		`api_key=[redacted]`:                         {"api_key", "x"},
		`password=[redacted]`:                        {"password", 7},
		`secret=[redacted]`:                          {"secret", slog.AnyValue([]int{1})},
		`url=https://[redacted]@h`:                   {"url", "https://u:p@h"},
		`err="get: token=[redacted] bad"`:            {"err", errors.New("get: token=x bad")},
		`err=<unserializable>`:                       {"err", broken{}},
		`v="{\"Password\":\"[redacted]\"}"`:          {"v", struct{ Password string }{"x"}},
		`v="{\"a\":[1,2]}"`:                          {"v", map[string]any{"a": []int{1, 2}}},
		`n=${env:PIN} m=123457`:                      {"n", 123456, "m", 123457},
		`t=true d=1s at=2026-01-02T00:00:00.000Z`:    {"t", true, "d", time.Second, "at", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)},
		`g.user=bob g.pwd=[redacted]`:                {slog.Group("g", "user", "bob", "pwd", "x")},
		`credentials.user=[redacted]`:                {slog.Group("credentials", "user", "bob")},
		`login.user=bob login.session_id=[redacted]`: {"login", slog.GroupValue(slog.String("user", "bob"), slog.String("session_id", "x"))},
		`lazy=[redacted]`:                            {"lazy", privacy.NewSecret("x")},
		`nil=<nil>`:                                  {"nil", nil},
	} {
		out.Reset()
		log.WarnContext(t.Context(), "sent Bearer abc", args...)
		if got := out.String(); got != `level=WARN msg="sent Bearer [redacted]" `+want+"\n" {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := r.Attr(nil, slog.Any("x", slog.GroupValue(slog.Int("pin", 123456)))); got.String() != "x=[pin=${env:PIN}]" {
		t.Error(got)
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	r := &privacy.Redactor{}
	h := map[string][]string{"Authorization": {"Bearer x"}, "X-Api-Key": {"a", "b"}, "Accept": {"*/*", "https://u:p@h"}, "Empty": nil}
	was := maps.Clone(h)
	want := map[string][]string{"Authorization": {privacy.Mark}, "X-Api-Key": {privacy.Mark, privacy.Mark}, "Accept": {"*/*", "https://[redacted]@h"}, "Empty": {}}
	if d := cmp.Diff(want, r.Header(h)); d != "" {
		t.Error(d)
	}
	if !maps.EqualFunc(was, h, slices.Equal) {
		t.Error("the headers themselves are changed")
	}
	if r.Value("token", "x")+r.Value("x", "token=y") != "[redacted]token=[redacted]" {
		t.Error(r.Value("x", "token=y"))
	}
}
