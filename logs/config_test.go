package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	cases := map[string]struct {
		config        Config
		level, format string // of the environment
		debug, info   bool   // what is logged
		text          bool
	}{
		"zero value":               {info: true},
		"level":                    {config: Config{Level: "debug"}, debug: true, info: true},
		"upper case":               {config: Config{Level: "WARN", Format: "TEXT"}, text: true},
		"environment over level":   {config: Config{Level: "debug"}, level: "error"},
		"environment over format":  {config: Config{Format: "text"}, format: "json", info: true},
		"environment over default": {level: "Debug", format: "text", debug: true, info: true, text: true},
		"level between two":        {level: "info-1", info: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envLevel, c.level)
			t.Setenv(envFormat, c.format)
			var b bytes.Buffer
			l, err := New(&b, c.config)
			if err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			if l.Enabled(ctx, slog.LevelDebug) != c.debug || l.Enabled(ctx, slog.LevelInfo) != c.info {
				t.Errorf("debug %t, info %t; want %t, %t", l.Enabled(ctx, slog.LevelDebug), l.Enabled(ctx, slog.LevelInfo), c.debug, c.info)
			}
			l.Error("m", "a", 1)
			if text := strings.HasSuffix(b.String(), " level=ERROR msg=m a=1\n"); text != c.text {
				t.Errorf("the line is %s", b.String())
			}
			if json := strings.HasSuffix(b.String(), `,"level":"ERROR","msg":"m","a":1}`+"\n"); json == c.text {
				t.Errorf("the line is %s", b.String())
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	const secret = "hunter2"
	cases := map[string]struct {
		config        Config
		level, format string
		nowhere       bool
		want          string
	}{
		"level":       {config: Config{Level: secret}, want: "logs: Config.Level: not a level; want debug, info, warn or error"},
		"format":      {config: Config{Format: secret}, want: "logs: Config.Format: not a format; want json or text"},
		"environment": {level: secret, want: "logs: environment variable SPANLOOM_LOG_LEVEL: not a level; want debug, info, warn or error"},
		"both": {level: secret, format: secret, want: "logs: environment variable SPANLOOM_LOG_LEVEL: not a level; want debug, info, warn or error\n" +
			"logs: environment variable SPANLOOM_LOG_FORMAT: not a format; want json or text"},
		"no writer": {nowhere: true, want: "logs: there is no writer; give io.Discard to write nothing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envLevel, c.level)
			t.Setenv(envFormat, c.format)
			var w io.Writer
			if !c.nowhere {
				w = io.Discard
			}
			if _, err := New(w, c.config); err == nil || err.Error() != c.want {
				t.Errorf("the error is\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestLevelVar(t *testing.T) {
	level := new(slog.LevelVar)
	l, err := New(io.Discard, Config{Level: "error", LevelVar: level})
	if err != nil {
		t.Fatal(err)
	}
	if level.Level() != slog.LevelError {
		t.Errorf("the level is %s, want that of the Config", level.Level())
	}
	inGroup := l.WithGroup("g").With("a", 1)
	level.Set(slog.LevelDebug)
	for _, l := range []*slog.Logger{l, inGroup} {
		if !l.Enabled(context.Background(), slog.LevelDebug) {
			t.Error("a changed level does not hold for loggers made before")
		}
	}
}
