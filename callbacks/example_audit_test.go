package callbacks_test

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// audit logs every failure where it began, once.
func audit(log *slog.Logger) callbacks.PipelineCallback {
	return callbacks.Funcs{Error: func(cc *callbacks.CallbackContext, ev callbacks.Failure) {
		log.LogAttrs(cc, slog.LevelError, "step failed",
			slog.String("run", cc.RunID()),
			slog.String("path", cc.Path()),
			slog.String("result", ev.Result.String()),
			slog.String("error_type", callbacks.ErrorType(ev.Err)),
			slog.String("error", ev.Err.Error()))
	}}
}

func Example_auditLog() {
	charge := engine.Node("charge", func(_ context.Context, amount int) (int, error) {
		switch {
		case amount == 0:
			return 0, errors.New("nothing to charge")
		case amount < 0:
			return 0, os.ErrPermission
		}
		return amount, nil
	})
	p := engine.Define("billing", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, charge, list, engine.ContinueOnError())
	})

	noTime := func(_ []string, a slog.Attr) slog.Attr { // it would differ from run to run
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime}))
	_, _ = p.Run(context.Background(), []int{5, 0, -1}, engine.Config{
		RunID:     "2026-11-21",
		Runner:    engine.Sequential(),
		Callbacks: []callbacks.PipelineCallback{audit(log)},
	})
	// Output:
	// {"level":"ERROR","msg":"step failed","run":"2026-11-21","path":"billing/charge[1]","result":"failure","error_type":"*errors.errorString","error":"nothing to charge"}
	// {"level":"ERROR","msg":"step failed","run":"2026-11-21","path":"billing/charge[2]","result":"failure","error_type":"*errors.errorString","error":"permission denied"}
}
