package logs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel/log"

	"github.com/spanloom/spanloom/privacy"
)

// The environment overrides a [Config].
const (
	envLevel  = "SPANLOOM_LOG_LEVEL"
	envFormat = "SPANLOOM_LOG_FORMAT"
)

// Config is what [New] makes a logger from. The zero value is ready.
type Config struct {
	// Level is the least level that is logged: debug, info, warn or error, in
	// upper or lower case. The environment variable SPANLOOM_LOG_LEVEL overrides
	// it. Defaults to info.
	Level string
	// Format is json or text. The environment variable SPANLOOM_LOG_FORMAT
	// overrides it. Defaults to json.
	Format string
	// LevelVar, which New sets to the level, changes it later. Defaults to one
	// that nobody else has.
	LevelVar *slog.LevelVar
	// Provider gets the same records too; it stays the caller's to flush and to
	// shut down. Defaults to none.
	Provider log.LoggerProvider
	// Redactor hides secrets in messages and attributes. Defaults to none.
	Redactor *privacy.Redactor
	// Later, which the caller must close before the program ends, takes what
	// [Lifecycle] says by the logger off the goroutines of runs. Defaults to none.
	Later *Later
}

// New returns a logger that writes one line for each record to w, and to the
// provider of c what [NewForwarder] makes of it. Records say where they belong,
// as with [NewHandler].
//
// Lines are written one at a time, on the goroutine that logs; if w fails, the
// line is lost and nothing else happens. After a line of level warn or above, a w
// that has a method Settle() is asked to write what it holds. The error names the field or the
// environment variable that is wrong, not its value.
func New(w io.Writer, c Config) (*slog.Logger, error) {
	level, levelErr := setting(c.Level, "Config.Level", envLevel, parseLevel)
	text, formatErr := setting(c.Format, "Config.Format", envFormat, parseFormat)
	if err := errors.Join(levelErr, formatErr); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, errors.New("logs: there is no writer; give io.Discard to write nothing")
	}
	least := c.LevelVar
	if least == nil {
		least = new(slog.LevelVar)
	}
	least.Set(level)

	settler, settles := w.(settler)
	w, opts := &escaper{w}, &slog.HandlerOptions{Level: least}
	if c.Redactor != nil {
		opts.ReplaceAttr = c.Redactor.Attr
	}
	var lines slog.Handler = slog.NewJSONHandler(w, opts)
	if text {
		lines = slog.NewTextHandler(w, opts)
	}
	if settles {
		lines = settling{lines, settler}
	}
	h := NewHandler(lines)
	if c.Provider != nil {
		h = Fanout(h, newForwarder(c.Provider, least, c.Redactor))
	}
	if c.Later != nil {
		h = &following{h, c.Later}
	}
	return slog.New(h), nil
}

// setting returns what a field of a Config says, or the environment instead.
func setting[T any](field, fieldName, variable string, parse func(string) (T, error)) (T, error) {
	v, err := parse(field)
	if err != nil {
		return v, fmt.Errorf("logs: %s: %w", fieldName, err)
	}
	if s := os.Getenv(variable); s != "" {
		if v, err = parse(s); err != nil {
			return v, fmt.Errorf("logs: environment variable %s: %w", variable, err)
		}
	}
	return v, nil
}

func parseLevel(s string) (level slog.Level, err error) {
	if s == "" {
		return slog.LevelInfo, nil
	}
	if level.UnmarshalText([]byte(s)) != nil { // its error has the value
		return 0, errors.New("not a level; want debug, info, warn or error")
	}
	return level, nil
}

// parseFormat reports whether the format is text.
func parseFormat(s string) (text bool, err error) {
	switch strings.ToLower(s) {
	case "", "json":
		return false, nil
	case "text":
		return true, nil
	default:
		return false, errors.New("not a format; want json or text")
	}
}
