//go:build unix

package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// TestARefusedConfigIsOneRecord: what the check of a config has on a line each is one
// line with all of it, in the log and in the line about losses.
func TestARefusedConfigIsOneRecord(t *testing.T) {
	const want = `backend "x": m.yaml:5:1: config.a: unknown key; did you mean "b"?; m.yaml:6:1: config.${env:KEY}: unknown\x1b key`
	for name, handler := range map[string]func(*lines) slog.Handler{
		"json": func(l *lines) slog.Handler { return slog.NewJSONHandler(l, nil) },
		"text": func(l *lines) slog.Handler { return slog.NewTextHandler(l, nil) },
	} {
		var out lines
		h := start(t, Spec{
			Name: "x", Launch: InProcess(testBackend("x")), Logger: slog.New(handler(&out)),
			Redact: func(s string) string { return strings.ReplaceAll(s, canary, "${env:KEY}") },
			CheckConfig: func([]byte) error {
				return errors.Join(errors.New(`m.yaml:5:1: config.a: unknown key; did you mean "b"?`), errors.New("m.yaml:6:1: config."+canary+": unknown\x1b key"))
			},
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := h.Ready(ctx); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		await(t, 10*time.Second, "logged", func() bool { return out.all()[0] != "" })
		shutdown(t, h, time.Second)
		list := out.all()
		if len(list) != 1 {
			t.Fatalf("%s: %d lines: %q", name, len(list), list)
		}
		if name != "json" {
			continue
		}
		var got struct{ Msg, Error string }
		if err := json.Unmarshal([]byte(list[0]), &got); err != nil || got.Msg != "backend does not start" || got.Error != want {
			t.Errorf("%v %+v", err, got)
		}
	}
}

// TestManyMistakes are as many as there is room for, and a number.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	answer := &pb.ConfigureResponse{}
	for i := range 1000 {
		answer.Errors = append(answer.Errors, &pb.ConfigError{Key: fmt.Sprintf("key%d", i), Message: strings.Repeat("x", 100)})
	}
	s := Spec{KeyPlace: func(key string) string { return "m.yaml:1:1: " + key }}
	text := shown(s.configError(answer), nil).Error() // as it leaves the host
	said := strings.Count(text, "m.yaml:1:1: key")
	if said < 10 || len(text) > 2*maxText+100 || !strings.HasSuffix(text, fmt.Sprintf(" (and %d more)", 1000-said)) {
		t.Errorf("%d are told: %s", said, text)
	}
}
