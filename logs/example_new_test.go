package logs_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/logs"
)

func ExampleNew() {
	logger, err := logs.New(out, logs.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fetch := engine.Node("fetch", func(ctx context.Context, page int) (int, error) {
		logger.InfoContext(ctx, "page fetched", "page", page) // ctx says the rest
		return page, nil
	})

	_, err = pipeline("daily", fetch).Run(context.Background(), 7, listening(logs.Lifecycle(logger)))
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"time":"…","level":"INFO","msg":"run started","trace_id":"…","span_id":"…","trace_flags":"01","spanloom.run.id":"2026-11-21","spanloom.pipeline.name":"daily","spanloom.path":"daily","spanloom.depth":0,"spanloom.runner":"local"}
	// {"time":"…","level":"INFO","msg":"page fetched","trace_id":"…","span_id":"…","trace_flags":"01","spanloom.run.id":"2026-11-21","spanloom.pipeline.name":"daily","spanloom.path":"daily/fetch","spanloom.node.name":"fetch","spanloom.depth":0,"spanloom.attempt.number":1,"page":7}
	// {"time":"…","level":"INFO","msg":"run ended","trace_id":"…","span_id":"…","trace_flags":"01","spanloom.run.id":"2026-11-21","spanloom.pipeline.name":"daily","spanloom.path":"daily","spanloom.depth":0,"spanloom.result":"success","duration_s":…}
}
