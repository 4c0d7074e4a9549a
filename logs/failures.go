package logs

import (
	"errors"
	"log/slog"

	"github.com/spanloom/spanloom/callbacks"
)

// tried is the number of the last attempt of a scope that had more than one:
// the event of a failure does not have it.
type tried struct {
	scope   *callbacks.CallbackContext
	attempt int
}

var lastAttempt = callbacks.NewKey[tried]("last attempt")

// OnNodeRetry logs that an attempt failed and another follows.
func (l *lifecycle) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	lastAttempt.Set(cc, tried{cc, ev.Attempt + 1})
	if r, ok := l.begin(cc, slog.LevelWarn, "attempt failed; another follows"); ok {
		r.AddAttrs(slog.Int(keyAttemptNumber, ev.Attempt), slog.Float64(keyAttemptDelay, ev.Delay.Seconds()))
		r.cause(ev.Err)
		r.log()
	}
}

// OnError logs a failure, where it began.
func (l *lifecycle) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	r, ok := l.begin(cc, slog.LevelError, failed(cc))
	if !ok {
		return
	}
	if k := cc.Kind(); k == callbacks.KindNode || k == callbacks.KindMapItem {
		attempt := 1
		if last, ok := lastAttempt.Get(cc); ok && last.scope == cc { // not that of a scope around
			attempt = last.attempt
		}
		r.AddAttrs(slog.Int(keyAttemptNumber, attempt))
	}
	r.AddAttrs(slog.String(keyResult, ev.Result.String()))
	r.took(cc.Elapsed())
	r.cause(ev.Err)
	var s interface{ Stack() string }
	if errors.As(ev.Err, &s) {
		r.text(keyExceptionStack, shorten(s.Stack(), maxStack))
	}
	r.log()
}

func failed(cc *callbacks.CallbackContext) string {
	switch {
	case cc.Kind() == callbacks.KindNode, cc.Kind() == callbacks.KindJob:
		return "node failed"
	case cc.Kind() == callbacks.KindMap:
		return "map failed"
	case cc.Kind() == callbacks.KindMapItem:
		return "map item failed"
	case cc.Depth() > 0:
		return "pipeline failed"
	default:
		return "run failed"
	}
}
