package logs_test

import (
	"fmt"
	"log/slog"

	"github.com/spanloom/spanloom/logs"
)

func ExampleConfig() {
	level := new(slog.LevelVar)
	logger, err := logs.New(out, logs.Config{Level: "warn", Format: "text", LevelVar: level})
	if err != nil {
		fmt.Println(err)
		return
	}

	logger.Info("nobody reads this")
	level.Set(slog.LevelInfo) // at any time, such as on a signal
	logger.Info("but this")
	// Output: time=… level=INFO msg="but this"
}
