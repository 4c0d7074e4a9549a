package logs

import (
	"log/slog"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// OnPipelineStart logs that a run or a nested pipeline starts.
func (l *lifecycle) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	if cc.Parent() == nil && cc.Start().IsZero() {
		began.Set(cc, time.Now())
	}
	level, msg := slog.LevelInfo, "run started"
	switch {
	case cc.Depth() > 0:
		level, msg = slog.LevelDebug, "pipeline started"
	case ev.Resumed != nil:
		msg = "run resumed"
	}
	r, ok := l.begin(cc, level, msg)
	if !ok {
		return
	}
	r.text(keyRunner, cc.Runner())
	if ev.Resumed != nil {
		r.AddAttrs(slog.Int(keyRunStarts, ev.Resumed.Starts+1))
	}
	r.log()
}

// OnPipelineEnd logs that a run or a nested pipeline ended.
func (l *lifecycle) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	level, msg := slog.LevelInfo, "run ended"
	if cc.Depth() > 0 {
		level, msg = slog.LevelDebug, "pipeline ended"
	}
	l.ended(cc, level, msg, ev.End)
}

// OnNestedPipelineStart logs that what follows has another runner.
func (l *lifecycle) OnNestedPipelineStart(_ *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	child := ev.Child
	around := child.Parent()
	if around == nil || around.Runner() == child.Runner() {
		return
	}
	level := slog.LevelInfo
	if itemAround(child) >= 0 { // as many as a map has items
		level = slog.LevelDebug
	}
	if r, ok := l.begin(child, level, "pipeline handed over to another runner"); ok {
		r.text(keyRunner, child.Runner())
		r.text(keyRunnerBefore, around.Runner())
		r.log()
	}
}

// OnNodeStart logs that a node starts.
func (l *lifecycle) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	l.started(cc, "node started", ev.Cache)
}

// OnNodeEnd logs that a node ended.
func (l *lifecycle) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	l.attempted(cc, "node ended", ev.End, ev.Attempts, ev.Cache)
}

// OnNodeCached logs that a stored result was used.
func (l *lifecycle) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	l.cached(cc, "node cached", ev)
}

// OnMapStart logs that a map starts.
func (l *lifecycle) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	if r, ok := l.begin(cc, slog.LevelDebug, "map started"); ok {
		r.AddAttrs(slog.Int(keyMapSize, ev.Size))
		if ev.Concurrency > 0 {
			r.AddAttrs(slog.Int(keyMapConcurrent, ev.Concurrency))
		}
		r.log()
	}
}

// OnMapEnd logs that a map ended.
func (l *lifecycle) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	if r, ok := l.begin(cc, slog.LevelDebug, "map ended"); ok {
		r.end(ev.End)
		r.AddAttrs(slog.Int(keyMapSize, ev.Size()),
			slog.Int(keyMapSucceeded, ev.Succeeded), slog.Int(keyMapFailed, ev.Failed),
			slog.Int(keyMapCached, ev.Cached), slog.Int(keyMapSkipped, ev.Skipped))
		r.log()
	}
}

// OnMapItemStart logs that an item starts.
func (l *lifecycle) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	l.started(cc, "map item started", ev.Cache)
}

// OnMapItemEnd logs that an item ended.
func (l *lifecycle) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	l.attempted(cc, "map item ended", ev.End, ev.Attempts, ev.Cache)
}

// OnMapItemCached logs that a stored result was used.
func (l *lifecycle) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	l.cached(cc, "map item cached", callbacks.NodeCached{Signature: ev.Signature, Saved: ev.Saved, Reason: ev.Reason})
}

// OnNodeSkipped logs that a step will not run.
func (l *lifecycle) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	if r, ok := l.begin(cc, slog.LevelDebug, "step skipped"); ok {
		r.AddAttrs(slog.String(keyResult, callbacks.ResultSkip.String()))
		r.text(keySkipReason, shorten(ev.Reason, maxMessage))
		r.log()
	}
}

func (l *lifecycle) ended(cc *callbacks.CallbackContext, level slog.Level, msg string, e callbacks.End) {
	if r, ok := l.begin(cc, level, msg); ok {
		r.end(e)
		r.log()
	}
}

func (l *lifecycle) started(cc *callbacks.CallbackContext, msg string, looked *callbacks.CacheLookup) {
	if looked != nil {
		if r, ok := l.begin(cc, slog.LevelDebug, "cache looked up"); ok {
			result := "miss"
			if looked.Bypass {
				result = "bypass"
			}
			r.AddAttrs(slog.String(keyCacheResult, result))
			r.text(keyCacheKey, looked.Signature)
			r.text(keyCacheReason, shorten(looked.Reason, maxMessage))
			r.log()
		}
	}
	if r, ok := l.begin(cc, slog.LevelDebug, msg); ok {
		r.AddAttrs(slog.Int(keyAttemptNumber, 1))
		r.log()
	}
}

func (l *lifecycle) attempted(cc *callbacks.CallbackContext, msg string, e callbacks.End, attempts int, looked *callbacks.CacheLookup) {
	if looked != nil && !looked.Bypass && e.Result == callbacks.ResultSuccess {
		if r, ok := l.begin(cc, slog.LevelDebug, "result offered to the cache"); ok {
			r.text(keyCacheKey, looked.Signature)
			r.log()
		}
	}
	if r, ok := l.begin(cc, slog.LevelDebug, msg); ok {
		r.AddAttrs(slog.Int(keyAttemptNumber, attempts))
		r.end(e)
		r.log()
	}
}

func (l *lifecycle) cached(cc *callbacks.CallbackContext, msg string, ev callbacks.NodeCached) {
	if r, ok := l.begin(cc, slog.LevelDebug, msg); ok {
		r.AddAttrs(slog.String(keyCacheResult, "hit"))
		r.text(keyCacheKey, ev.Signature)
		r.text(keyCacheReason, ev.Reason)
		if ev.Saved > 0 {
			r.AddAttrs(slog.Float64(keyCacheSaved, ev.Saved.Seconds()))
		}
		r.log()
	}
}
