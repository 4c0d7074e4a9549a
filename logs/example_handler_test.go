package logs_test

import (
	"context"
	"log/slog"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/logs"
)

func ExampleNewHandler() {
	mine := slog.NewTextHandler(out, nil) // any handler
	logger := slog.New(logs.NewHandler(mine)).WithGroup("http")

	fetch := engine.Node("fetch", func(ctx context.Context, page int) (int, error) {
		logger.InfoContext(ctx, "fetched", "status", 200)
		return page, nil
	})
	_, _ = pipeline("daily", fetch).Run(context.Background(), 7, engine.Config{RunID: "r1"})

	logger.Info("outside of runs", "status", 404)
	// Output:
	// time=… level=INFO msg=fetched trace_id=… span_id=… trace_flags=01 spanloom.run.id=r1 spanloom.pipeline.name=daily spanloom.path=daily/fetch spanloom.node.name=fetch spanloom.depth=0 spanloom.attempt.number=1 http.status=200
	// time=… level=INFO msg="outside of runs" http.status=404
}
