package engine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/metricname"
	"github.com/spanloom/spanloom/runs"
)

// Metric marks a value of a running node, or map item, under a name: how many rows
// it has read, or how good a model is. The callbacks of the run get it at once, in
// the order of the calls. In a run that is kept, the last value of each name is kept
// with the attempt; a later start of the run that uses the attempt's result tells
// the values again. A result that comes from a cache brings none.
//
// The name begins with a letter, has letters, digits, "_", ".", "-" and "/", at most
// 255 of them, and does not begin with "spanloom."; the value is finite. It has no
// room for labels: an id in a name would make a series of each.
//
// Metric never fails. A value that cannot be used is dropped: [RefusedMetrics] counts
// them, and the first of a run is logged as a warning that says what is wrong. When
// nobody hears values, and the run is not kept, Metric does nothing at all.
//
// ctx must be that of the node, or made from it. What is marked when the node's time
// is over, or the run has ended, is ignored. The hook OnMetric must not call Metric
// or [Emit] for the same node.
func Metric(ctx context.Context, name string, value float64) {
	b, cc := running(ctx)
	if b == nil {
		return
	}
	heard, kept := b.ears.hooks&callbacks.HookMetric != 0, b.run.log != nil
	if !heard && !kept {
		return
	}
	if err := usable(name, value); err != nil {
		b.run.refuse(cc, name, err)
		return
	}
	cc.WhileOpen(func() {
		if kept && !mark(cc, name, value) {
			b.run.refuse(cc, name, errManyMarks)
		}
		if heard {
			b.ears.callback.OnMetric(cc, callbacks.Metric{Name: name, Value: value, At: cc.Elapsed()})
		}
	})
}

// usable says why a value cannot be marked, or nil.
func usable(name string, value float64) error {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return errNotFinite
	}
	return metricname.Check(name)
}

var (
	errNotFinite = errors.New("the value is not finite")
	errManyMarks = errors.New("a node keeps values of at most 100 names")
)

// refused counts values that were dropped.
var refused atomic.Int64

// RefusedMetrics returns how many values that node code gave to [Metric] were
// dropped so far, in the whole program, because their name or value is not allowed.
func RefusedMetrics() int { return int(refused.Load()) }

// refuse counts a value, and logs the first of the run: the others most likely are
// the same.
func (r *run) refuse(cc *callbacks.CallbackContext, name string, err error) {
	refused.Add(1)
	if r.shared().refused.CompareAndSwap(false, true) {
		slog.Warn("a metric of a node is dropped; the run goes on",
			"name", metricname.Short(name), "path", cc.Path(), "error", err)
	}
}

// maxMarks bounds what an attempt keeps.
const maxMarks = 100

// marks are the last values of the attempt of a node or an item that runs, in a run
// that is kept.
var marks = callbacks.NewKey[map[string]float64]("engine.Metric")

// mark keeps a value, if there is room.
func mark(cc *callbacks.CallbackContext, name string, value float64) (kept bool) {
	marks.Update(cc, func(m map[string]float64, _ bool) map[string]float64 {
		if m == nil {
			m = map[string]float64{}
		}
		if _, known := m[name]; known || len(m) < maxMarks {
			m[name], kept = value, true
		}
		return m
	})
	return kept
}

// marked takes what the attempt that has ended has marked.
func marked(cc *callbacks.CallbackContext) (taken map[string]float64) {
	if m, _ := marks.In(cc); m == nil {
		return nil
	}
	marks.Update(cc, func(m map[string]float64, _ bool) map[string]float64 {
		taken = m
		return nil
	})
	return taken
}

// remark tells what an attempt has marked whose result is used again.
func (g *guarded) remark(rec *runs.Record) {
	if len(rec.Metrics) == 0 || !g.frame.wants(callbacks.HookMetric) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Metrics)) {
		if usable(name, rec.Metrics[name]) == nil { // the store is not ours alone
			g.frame.ears.callback.OnMetric(g.cc, callbacks.Metric{Name: name, Value: rec.Metrics[name], Replayed: true})
		}
	}
}
