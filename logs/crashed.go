package logs

import (
	"log/slog"

	"github.com/spanloom/spanloom/callbacks"
)

// crashed is the error.type of a run whose process has died, as on its span.
const crashed = "crashed"

// OnCrashed logs that the process of a run has died, once for the run: its spans
// say what was running. The ids and the duration are of the run that has died.
func (l *lifecycle) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	if cc.Kind() != callbacks.KindPipeline || cc.Depth() > 0 {
		return
	}
	if r, ok := l.begin(cc, slog.LevelWarn, "run crashed"); ok {
		r.AddAttrs(slog.String(keyResult, callbacks.ResultError.String()),
			slog.Float64(keyDuration, ev.Duration.Seconds()), slog.String(keyErrorType, crashed))
		r.log()
	}
}
